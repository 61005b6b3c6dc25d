//! Which paths the Worker gets first: `run_worker_first` as a list of patterns.
//!
//! Fidelity: checks and texts of wrangler 4.164.0.

use std::collections::HashSet;

const MAX_RULES: usize = 100;
const MAX_LENGTH: usize = 100;

/// The patterns: a `*` is anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routes {
    worker: Vec<String>,
    assets: Vec<String>,
}

/// What is wrong with a list of patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoutesError {
    /// The list as a whole.
    List(String),
    /// Patterns, by their places in the list.
    Rules(Vec<(usize, String)>),
}

/// Who answers first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The Worker, whatever the assets have.
    Worker,
    /// The assets, whatever they have.
    Assets,
}

impl Routes {
    /// The routes that `rules` are.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn parse(rules: &[&str]) -> Result<Self, RoutesError> {
        if rules.is_empty() {
            let message = "the list is empty; it needs at least one pattern";
            return Err(RoutesError::List(message.to_owned()));
        }
        if rules.len() > MAX_RULES {
            let message = format!("there are {} patterns; {MAX_RULES} is the most", rules.len());
            return Err(RoutesError::List(message));
        }
        let mut wrong = Vec::new();
        let (mut worker, mut assets) = (Vec::new(), Vec::new());
        for (index, rule) in rules.iter().enumerate() {
            if rule.starts_with("!/") {
                assets.push((index, *rule));
            } else if rule.starts_with('/') {
                worker.push((index, *rule));
            } else if rule.starts_with('!') {
                wrong.push((index, "a negative pattern must start with `!/`".to_owned()));
            } else {
                wrong.push((index, "a pattern must start with `/` or `!/`".to_owned()));
            }
        }
        if !assets.is_empty() && worker.is_empty() {
            let message = "all patterns are negative; at least one must not be";
            return Err(RoutesError::List(message.to_owned()));
        }
        check(&worker, &mut wrong);
        check(&assets, &mut wrong);
        if !wrong.is_empty() {
            wrong.sort();
            return Err(RoutesError::Rules(wrong));
        }
        let texts = |rules: Vec<(usize, &str)>, from: usize| {
            rules.into_iter().map(|(_, rule)| rule[from..].to_owned()).collect()
        };
        Ok(Self { worker: texts(worker, 0), assets: texts(assets, 1) })
    }

    /// Who answers requests for the encoded `path`; `None` if no pattern says so.
    pub fn find(&self, path: &str) -> Option<First> {
        if self.assets.iter().any(|rule| matches(rule, path)) {
            return Some(First::Assets);
        }
        self.worker.iter().any(|rule| matches(rule, path)).then_some(First::Worker)
    }
}

fn check(rules: &[(usize, &str)], wrong: &mut Vec<(usize, String)>) {
    let mut seen = HashSet::new();
    for (index, rule) in rules {
        if rule.encode_utf16().count() > MAX_LENGTH {
            wrong.push((*index, format!("a pattern has at most {MAX_LENGTH} characters")));
        }
        if !seen.insert(rule) {
            wrong.push((*index, "the pattern stands twice".to_owned()));
        }
        let Some(start) = rule.strip_suffix('*') else { continue };
        for (other, text) in rules {
            if text != rule && text.starts_with(start) {
                wrong.push((*other, format!("the pattern `{rule}` makes this one redundant")));
            }
        }
    }
}

/// Whether `rule`, in which `*` is anything, matches all of `text`.
fn matches(rule: &str, text: &str) -> bool {
    let mut pieces = rule.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_patterns_win() {
        let routes = Routes::parse(&["/api/*", "!/api/docs/*", "/*.json", "/a*b*c"]).expect("routes");
        for (path, expected) in [
            ("/api/x", Some(First::Worker)),
            ("/api/", Some(First::Worker)),
            ("/api", None),
            ("/api/docs/x", Some(First::Assets)),
            ("/x/y.json", Some(First::Worker)),
            ("/json", None),
            ("/abc", Some(First::Worker)),
            ("/aXbYc", Some(First::Worker)),
            ("/acb", None),
        ] {
            assert_eq!(routes.find(path), expected, "{path}");
        }
    }

    #[test]
    fn mistakes_are_found() {
        let list = |rules: &[&str]| matches!(Routes::parse(rules), Err(RoutesError::List(_)));
        assert!(list(&[]) && list(&["!/a"]) && list(&vec!["/a"; 101]));
        let wrong = |rules: &[&str]| match Routes::parse(rules) {
            Err(RoutesError::Rules(wrong)) => wrong.into_iter().map(|(index, _)| index).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(wrong(&["a", "!b", "/c", "/c"]), [0, 1, 3]);
        assert_eq!(wrong(&["/c/d", "/c/*"]), [0]);
        assert_eq!(wrong(&["/c", &format!("/{}", "x".repeat(100))]), [1]);
    }
}
