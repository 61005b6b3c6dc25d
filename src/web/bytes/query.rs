//! The `application/x-www-form-urlencoded` format, both ways.

use rquickjs::{Array, Ctx, Result};
use url::form_urlencoded;

/// `queryParse(text)` → a flat array of names and values.
pub(super) fn parse_list<'js>(ctx: Ctx<'js>, text: String) -> Result<Array<'js>> {
    list(ctx, &text)
}

fn list<'js>(ctx: Ctx<'js>, query: &str) -> Result<Array<'js>> {
    let list = Array::new(ctx)?;
    let mut index = 0;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        list.set(index, name.as_ref())?;
        list.set(index + 1, value.as_ref())?;
        index += 2;
    }
    Ok(list)
}

/// `queryOf(href)` → the same for the query of a URL's normal text.
pub(super) fn list_of<'js>(ctx: Ctx<'js>, href: String) -> Result<Array<'js>> {
    let before_hash = href.split_once('#').map_or(href.as_str(), |(before, _)| before);
    let query = before_hash.split_once('?').map_or("", |(_, query)| query);
    list(ctx, query)
}

/// `querySerialize(list)` → the text of a flat array of names and values.
pub(super) fn serialize_list(list: Array<'_>) -> Result<String> {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for index in (0..list.len()).step_by(2) {
        out.append_pair(&list.get::<String>(index)?, &list.get::<String>(index + 1)?);
    }
    Ok(out.finish())
}
