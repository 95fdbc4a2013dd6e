//! The cookies of a browser that tests play: the session's, and the one by which a browser is known. Of others it knows nothing.

/// What the daemon has set.
#[derive(Debug, Clone, Default)]
pub(super) struct Cookies {
    session: Option<String>,
    known: Option<String>,
}

impl Cookies {
    /// Takes what an answer sets.
    pub(super) fn take(&mut self, headers: &[(String, String)]) {
        for (_, set) in headers.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = set.split(';').next().unwrap_or_default().to_owned();
            if pair.contains("bellflower-known=") { self.known = Some(pair) } else { self.session = Some(pair) }
        }
    }

    /// The session's, as a browser sends it.
    pub(super) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// All, as a browser sends them.
    pub(super) fn all(&self) -> Option<String> {
        let all: Vec<&str> = self.session.iter().chain(&self.known).map(String::as_str).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}
