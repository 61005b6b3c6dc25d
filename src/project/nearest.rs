//! Finds the known name that a misspelt one most likely meant.

/// The candidate nearest to `name`, if one is near enough to be what was meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).max(1);
    let lower = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_near() {
        for (name, expected) in [
            ("compatability_date", Some("compatibility_date")),
            ("nmae", Some("name")),
            ("Name", Some("name")),
            ("made_up_field", None),
            ("x", None),
        ] {
            assert_eq!(nearest(name, ["name", "compatibility_date", "main"]), expected, "{name}");
        }
    }
}
