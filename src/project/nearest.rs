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

/// The key among `candidates` that `key` most likely meant: one that is spelt almost so, or one whose words
/// begin or end with it, as `class` for `class_name` and `kv` for `kv_namespaces`.
pub fn nearest_key<'a>(key: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let begins = |candidate: &&str| {
        let (long, short) = by_length(candidate, key);
        short.len() > 1 && long.strip_prefix(short).is_some_and(|rest| rest.starts_with('_'))
    };
    let ends = |candidate: &&str| {
        let (long, short) = by_length(candidate, key);
        short.len() > 1 && long.strip_suffix(short).is_some_and(|rest| rest.ends_with('_'))
    };
    // Two letters are near to any other two.
    let spelt = if key.len() > 2 { nearest(key, candidates.clone()) } else { None };
    spelt
        .or_else(|| candidates.clone().into_iter().find(begins))
        .or_else(|| candidates.into_iter().find(ends))
}

fn by_length<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
    if one.len() > other.len() { (one, other) } else { (other, one) }
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

    #[test]
    fn keys_may_lack_a_word_or_have_one_too_many() {
        for (key, expected) in [
            ("class", Some("class_name")),
            ("service_name", Some("service")),
            ("clas_name", Some("class_name")),
            ("date", None),
            ("n", None),
        ] {
            assert_eq!(nearest_key(key, ["name", "class_name", "service"]), expected, "{key}");
        }
    }
}
