//! The projects that `dodev init` makes, as files inside this program.
//!
//! Each is a folder of `templates/`, complete and runnable as it stands there; the Worker's name is the only
//! thing that is replaced.

use clap::ValueEnum;

/// Which project to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// A counter for each name: the smallest Durable Object
    Counter,
    /// Chat rooms over hibernatable WebSockets
    Chat,
    /// Reminders that ring by an alarm
    Alarms,
    /// Notes over HTTP in a SQLite database for each person
    Notes,
}

/// A file of a template: its path in the project and its text.
pub type TemplateFile = (&'static str, &'static str);

macro_rules! files {
    ($template:literal, $($path:literal),+) => {
        &[$(($path, include_str!(concat!("../../templates/", $template, "/", $path)))),+]
    };
}

impl Template {
    /// What it is called, also as a Worker.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Chat => "chat",
            Self::Alarms => "alarms",
            Self::Notes => "notes",
        }
    }

    /// Its files as they lie in the repository.
    fn files(self) -> &'static [TemplateFile] {
        match self {
            Self::Counter => files!(
                "counter",
                ".gitignore",
                "README.md",
                "package.json",
                "src/index.ts",
                "tsconfig.json",
                "worker-configuration.d.ts",
                "wrangler.jsonc"
            ),
            Self::Chat => files!(
                "chat",
                ".gitignore",
                "README.md",
                "package.json",
                "src/index.ts",
                "src/page.html",
                "src/room.ts",
                "tsconfig.json",
                "worker-configuration.d.ts",
                "wrangler.jsonc"
            ),
            Self::Alarms => files!(
                "alarms",
                ".gitignore",
                "README.md",
                "package.json",
                "src/index.ts",
                "src/reminders.ts",
                "tsconfig.json",
                "worker-configuration.d.ts",
                "wrangler.jsonc"
            ),
            Self::Notes => files!(
                "notes",
                ".gitignore",
                "README.md",
                "package.json",
                "src/index.ts",
                "src/notebook.ts",
                "tsconfig.json",
                "worker-configuration.d.ts",
                "wrangler.jsonc"
            ),
        }
    }

    /// Its files for a Worker called `worker`: path in the project, text.
    pub fn files_for(self, worker: &str) -> Vec<(&'static str, String)> {
        let own = self.name();
        let renamed = |&(path, text): &TemplateFile| {
            let text = match path {
                "package.json" | "wrangler.jsonc" => {
                    text.replacen(&format!("\"name\": \"{own}\""), &format!("\"name\": \"{worker}\""), 1)
                }
                "README.md" => text.replacen(&format!("# {own}\n"), &format!("# {worker}\n"), 1),
                _ => text.to_owned(),
            };
            (path, text)
        };
        self.files().iter().map(renamed).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_a_template_is_part_of_this_program() {
        for template in Template::value_variants() {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").join(template.name());
            let mut on_disk = BTreeSet::new();
            let mut folders = vec![root.clone()];
            while let Some(folder) = folders.pop() {
                for entry in std::fs::read_dir(folder).unwrap() {
                    let path = entry.unwrap().path();
                    let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                    match path.is_dir() {
                        // What running or installing it in place leaves behind.
                        true if name == "node_modules" || name == ".wrangler" => {}
                        true => folders.push(path),
                        false => drop(on_disk.insert(name)),
                    }
                }
            }
            let embedded: BTreeSet<String> =
                template.files().iter().map(|(path, _)| (*path).to_owned()).collect();
            on_disk.remove("package-lock.json");
            assert_eq!(embedded, on_disk, "{template:?}");
        }
    }

    #[test]
    fn the_name_is_replaced_where_it_stands() {
        for template in Template::value_variants() {
            let renamed: Vec<_> = template
                .files_for("my-app")
                .into_iter()
                .filter(|(_, text)| text.contains("\"name\": \"my-app\"") || text.contains("# my-app\n"))
                .map(|(path, _)| path)
                .collect();
            assert_eq!(renamed, ["README.md", "package.json", "wrangler.jsonc"], "{template:?}");
        }
    }
}
