//! axe-core in a browser, which finds what keeps people from using a page. It must not know the page.

use std::path::Path;

use crate::browser::Scheme;
use crate::page::Page;

/// All that WCAG 2.2 asks at level AA, and good practice beyond it; or what colours decide alone.
const RUN: &str = "const [colours, done] = arguments;
    const all = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const runOnly = colours ? { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } : all;
    axe.run(document, { runOnly, resultTypes: ['violations'] }).then(
        found => done(found.violations.flatMap(rule => rule.nodes.map(node => `${rule.id} (${rule.impact}): ${node.html} — ${node.any.concat(node.all, node.none)
            .map(check => check.message).join('; ')}`))),
        error => done(['axe failed: ' + error]));";

/// A page that axe looks at, and what it has found.
pub struct Audit {
    /// The page itself.
    pub page: Page,
    axe: String,
    faces: usize,
    found: Vec<String>,
}

impl Audit {
    /// Reads axe-core, which `make client` installs.
    pub fn of(page: Page) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/client/node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; make client installs it", path.display()));
        Self { page, axe, faces: 0, found: Vec::new() }
    }

    /// Looks at what shows now, in each theme that the system can ask for. Themes differ in colours: every other rule is checked in the first one.
    pub async fn look(&mut self, what: &str) {
        let browser = self.page.browser();
        for (scheme, theme, contrast) in
            [(Scheme::Light, "light", false), (Scheme::Dark, "dark", false), (Scheme::Dark, "dark", true), (Scheme::Light, "light", true)]
        {
            browser.looks(scheme, contrast).await;
            self.page
                .wait(&format!(
                    "document.documentElement.dataset.theme === '{theme}' && 'contrast' in document.documentElement.dataset === {contrast}"
                ))
                .await;
            self.page.at_rest().await;
            // A page that was loaded anew has lost it.
            if browser.eval("return typeof axe").await != "object" {
                browser.eval(&self.axe).await;
            }
            let colours = contrast || scheme != Scheme::Light;
            let found = browser.page().execute_async(RUN, vec![colours.into()]).await.expect("axe's answer");
            let found = found.as_array().expect("a list");
            let more = if contrast { " with more contrast" } else { "" };
            self.found.extend(found.iter().map(|one| format!("{what}, {theme}{more}: {}", one.as_str().unwrap_or_default())));
        }
        browser.looks(Scheme::Light, false).await;
        self.faces += 1;
    }

    /// Opens something, looks at it and closes it with Esc.
    pub async fn look_behind(&mut self, clicks: &[&str], seen: &str) {
        for css in clicks {
            self.page.click(css).await;
        }
        self.page.see(seen).await;
        self.look(seen).await;
        self.page.press_escape().await;
        self.page.see_no(seen).await;
    }

    /// Gives the page back. Panics when anything was found, or other than so many faces were looked at.
    pub fn assert_nothing(self, faces: usize) -> Page {
        assert_eq!(self.faces, faces, "faces of the page");
        assert!(self.found.is_empty(), "{} findings:\n{}", self.found.len(), self.found.join("\n"));
        self.page
    }
}
