//! The page of statistics: three files in the program, and who gets it. Draws nothing itself.

/// A file of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// For `Content-Type`.
    pub kind: &'static str,
    /// What is in it.
    pub text: &'static str,
}

/// By name; the page itself is `stats.html`.
pub fn file(name: &str) -> Option<File> {
    let (kind, text) = match name {
        "stats.html" => ("text/html; charset=utf-8", include_str!("page/stats.html")),
        "stats.css" => ("text/css; charset=utf-8", include_str!("page/stats.css")),
        "stats.js" => ("text/javascript; charset=utf-8", include_str!("page/stats.js")),
        _ => return None,
    };
    Some(File { kind, text })
}

/// Whether `Accept` prefers a page to JSON (RFC 9110, 12.5.1): only who names `text/html` does, and at least as high as `application/json`.
pub fn prefers_page(accept: &str) -> bool {
    let quality = |wanted: &str| {
        let ranges = accept.split(',').filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let named = parts.next()?.eq_ignore_ascii_case(wanted);
            let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            named.then(|| quality.map_or(1.0, |text| text.parse::<f32>().unwrap_or(0.0)))
        });
        ranges.fold(0.0, f32::max)
    };
    let page = quality("text/html");
    page > 0.0 && page >= quality("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_the_page_and_everybody_else_json() {
        for accept in
            ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html", "application/json;q=0.5, Text/HTML; q=0.5"]
        {
            assert!(prefers_page(accept), "{accept}");
        }
        for accept in ["", "*/*", "application/json", "application/json, text/html;q=0.9", "text/html;q=0", "text/*", "text/html;q=x"] {
            assert!(!prefers_page(accept), "{accept}");
        }
    }

    #[test]
    fn the_page_loads_nothing_that_is_not_its_own() {
        let page = file("stats.html").unwrap().text;
        for attribute in ["src=\"", "href=\""] {
            for (_, rest) in page.match_indices(attribute).map(|(at, _)| page.split_at(at + attribute.len())) {
                let target = rest.split('"').next().unwrap();
                let own = ["stats.json", "metrics", "data:,"].contains(&target)
                    || target.strip_prefix("stats/").is_some_and(|name| file(name).is_some());
                assert!(own, "{target}");
            }
        }
        for name in ["stats.css", "stats.js"] {
            let text = file(name).unwrap().text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http:") && !text.contains("https:") && !text.contains("@import"), "{name}");
        }
        assert!(!page.contains("style=") && !page.contains("onclick"), "the policy refuses it");
        assert_eq!(file("../mod.rs"), None);
    }
}
