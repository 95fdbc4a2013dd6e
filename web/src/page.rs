//! The built page: files held in memory with their tags and packed twins; which file, which form, cached how long. It reads no disk.

use std::collections::HashMap;
use warp::http::{HeaderMap, HeaderValue, Response, StatusCode, header};

/// A file of the page, packed when it was built in.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// Its path below the page, without a leading slash.
    pub path: &'static str,
    /// Its content type.
    pub kind: &'static str,
    /// A strong tag, with its quotes: a hash of the bytes.
    pub tag: &'static str,
    /// Its name changes with its content, so it may be kept for ever.
    pub immutable: bool,
    /// Its bytes.
    pub bytes: &'static [u8],
    /// Packed with gzip, where that is smaller.
    pub gzip: Option<&'static [u8]>,
    /// Packed with brotli, where that is smaller.
    pub brotli: Option<&'static [u8]>,
}

/// The files by path.
#[derive(Debug)]
pub struct Page {
    files: HashMap<&'static str, &'static File>,
}

impl Page {
    /// All files; one has the path `index.html`.
    #[must_use]
    pub fn new(files: &'static [File]) -> Self {
        Self { files: files.iter().map(|f| (f.path, f)).collect() }
    }

    /// The file for a request's path below any prefix: a path that ends with a slash is the page itself.
    fn find(&self, path: &str) -> Option<&'static File> {
        if path.ends_with('/') {
            return if path.contains("/api/") { None } else { self.files.get("index.html").copied() };
        }
        // Longest first: `/chat/icons/x.svg` is `icons/x.svg` below `/chat/`.
        path.match_indices('/').find_map(|(at, _)| self.files.get(path.get(at + 1..)?).copied())
    }

    /// The answer to a GET, or `None` when there is no such file.
    pub fn answer(&self, path: &str, headers: &HeaderMap) -> Option<Response<&'static [u8]>> {
        let file = self.find(path)?;
        let mut response = Response::new(&[][..]);
        let out = response.headers_mut();
        out.insert(header::ETAG, HeaderValue::from_static(file.tag));
        out.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        let cached = if file.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cached));
        if names(headers, &header::IF_NONE_MATCH).any(|tag| tag == "*" || tag.trim_start_matches("W/") == file.tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Some(response);
        }
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
        let (bytes, coding) = match (file.brotli, file.gzip) {
            (Some(bytes), _) if accepts(headers, "br") => (bytes, Some("br")),
            (_, Some(bytes)) if accepts(headers, "gzip") => (bytes, Some("gzip")),
            _ => (file.bytes, None),
        };
        if let Some(coding) = coding {
            out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        *response.body_mut() = bytes;
        Some(response)
    }
}

fn names<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).map(str::trim)
}

/// Whether the browser takes this coding.
pub(crate) fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    names(headers, &header::ACCEPT_ENCODING).any(|entry| {
        let (name, weight) = entry.split_once(';').unwrap_or((entry, ""));
        name.trim().eq_ignore_ascii_case(coding) && !matches!(weight.trim().trim_start_matches("q="), "0" | "0.0" | "0.00" | "0.000")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static FILES: [File; 3] = [
        File {
            path: "index.html",
            kind: "text/html; charset=utf-8",
            tag: "\"i\"",
            immutable: false,
            bytes: b"<p>",
            gzip: None,
            brotli: None,
        },
        File {
            path: "app-1.js",
            kind: "text/javascript",
            tag: "\"a\"",
            immutable: true,
            bytes: b"aaaa",
            gzip: Some(b"gz"),
            brotli: Some(b"b"),
        },
        File { path: "icons/x.svg", kind: "image/svg+xml", tag: "\"x\"", immutable: true, bytes: b"x", gzip: None, brotli: None },
    ];

    fn get(path: &str, headers: &[(&'static str, &str)]) -> Option<Response<&'static [u8]>> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Page::new(&FILES).answer(path, &map)
    }

    #[test]
    fn any_prefix_works() {
        for (path, body) in [("/", "<p>"), ("/chat/", "<p>"), ("/app-1.js", "aaaa"), ("/chat/icons/x.svg", "x"), ("/index.html", "<p>")] {
            assert_eq!(get(path, &[]).unwrap().body(), &body.as_bytes(), "{path}");
        }
        for path in ["/app-2.js", "/chat", "/x.svg", "/api/v2/", "", "/../index", "/app-1.js/x"] {
            assert!(get(path, &[]).is_none(), "{path}");
        }
    }

    #[test]
    fn the_best_form_is_sent() {
        for (accepted, coding, body) in
            [("gzip, deflate, br", Some("br"), "b"), ("gzip, br;q=0", Some("gzip"), "gz"), ("identity", None, "aaaa")]
        {
            let answer = get("/app-1.js", &[("accept-encoding", accepted)]).unwrap();
            assert_eq!(answer.headers().get("content-encoding").map(|v| v.to_str().unwrap()), coding);
            assert_eq!(answer.body(), &body.as_bytes());
        }
    }

    #[test]
    fn hashed_files_are_kept_and_the_page_is_asked_for() {
        assert!(get("/app-1.js", &[]).unwrap().headers()["cache-control"].to_str().unwrap().contains("immutable"));
        let again = get("/", &[("if-none-match", "W/\"z\", \"i\"")]).unwrap();
        assert_eq!((again.status(), again.body().len()), (StatusCode::NOT_MODIFIED, 0));
        assert_eq!(get("/", &[("if-none-match", "\"old\"")]).unwrap().status(), StatusCode::OK);
        assert_eq!(get("/", &[]).unwrap().headers()["cache-control"], "no-cache");
    }
}
