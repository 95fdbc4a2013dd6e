//! Bellflower's page in a browser, as its user handles it: sees, clicks, types. It must not know how the page is built beyond the handles
//! that `web/client/README.md` lists, and must not take a shortcut that a user does not have.

use std::time::Duration;

use fantoccini::Locator;
use fantoccini::actions::{InputSource, MouseActions, PointerAction};
use fantoccini::error::{CmdError, ErrorStatus};
use fantoccini::key::Key;
use serde_json::{Value, json};

use crate::{Browser, Daemon, Engine, Ngircd, Prosody, Scheme, Window};

/// How long anything may take to show on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// Has the page note whether the next click meets what takes no answer yet.
const WATCH_CLICKS: &str = "if (!window.clickWatch) {
        window.clickWatch = true;
        addEventListener('click', event => { window.clickIgnored = event.target.closest('[data-ready=false]') !== null; }, true);
    }
    window.clickIgnored = false;";

/// A browser that shows the page of one daemon.
pub struct Page {
    browser: Browser,
    url: String,
}

impl Page {
    /// Starts Chromium with a window of this size and opens the front page.
    pub async fn open(daemon: &Daemon, window: Window) -> Self {
        Self::open_in(Browser::start().await, daemon.url(), window).await
    }

    /// The same in the whole of Chromium, which has tabs that hide each other and notifications.
    pub async fn open_whole(daemon: &Daemon, window: Window) -> Self {
        Self::open_in(Browser::start_in(Engine::WholeChromium, Scheme::Light).await, daemon.url(), window).await
    }

    /// Opens the front page at this address, which has no slash at its end, in a window of this size.
    pub async fn open_in(browser: Browser, url: &str, window: Window) -> Self {
        browser.window(window).await;
        let page = Self { browser, url: url.to_owned() };
        page.load().await;
        page
    }

    /// Loads the page, anew if it was there, and starts to watch for what only a breach would bring about. What happens while it loads is in the
    /// console of Chromium and Firefox; of WebKit it is not known.
    pub async fn load(&self) {
        self.browser.open(&format!("{}/", self.url)).await;
        let watch = "window.violations = [];
            document.addEventListener('securitypolicyviolation', event => window.violations.push(event.violatedDirective + ' ' + event.blockedURI));
            window.mishaps = [];
            window.addEventListener('error', event => window.mishaps.push(event.message));
            window.addEventListener('unhandledrejection', event => window.mishaps.push(String(event.reason)));";
        self.browser.eval(watch).await;
    }

    /// The browser itself.
    pub fn browser(&self) -> &Browser {
        &self.browser
    }

    /// Waits until a JavaScript expression is true.
    pub async fn wait(&self, expression: &str) {
        self.browser.wait_true(expression, LONG).await;
    }

    /// Waits until an element that matches the selector is in the page.
    pub async fn see(&self, css: &str) {
        self.wait(&format!("document.querySelector({})", quoted(css))).await;
    }

    /// Waits until no element matches the selector any more.
    pub async fn see_no(&self, css: &str) {
        self.wait(&format!("!document.querySelector({})", quoted(css))).await;
    }

    /// Waits until the text of an element that matches the selector contains `text`.
    pub async fn read(&self, css: &str, text: &str) {
        self.wait(&format!("[...document.querySelectorAll({})].some(e => e.textContent.includes({}))", quoted(css), quoted(text))).await;
    }

    /// The text of each element that matches.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        let found = self.browser.eval(&format!("return [...document.querySelectorAll({})].map(e => e.textContent)", quoted(css))).await;
        found.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Clicks the first element that matches, as soon as it can be clicked. A question takes no answer while it has just come.
    pub async fn click(&self, css: &str) {
        let deadline = tokio::time::Instant::now() + LONG;
        loop {
            self.wait(&format!("document.querySelector({})?.closest('[data-ready=false]') === null", quoted(css))).await;
            self.browser.eval(WATCH_CLICKS).await;
            let clicked = match self.browser.page().find(Locator::Css(css)).await {
                Ok(element) => element.click().await,
                Err(error) => Err(error),
            };
            match clicked {
                // What moves while it is clicked takes no answer either.
                Ok(()) if self.browser.eval("return window.clickIgnored === true").await != true => return,
                Ok(()) => tokio::task::yield_now().await,
                // Drawn anew between the search and the click, or still behind something that leaves.
                Err(error) if passes(&error) && tokio::time::Instant::now() < deadline => tokio::task::yield_now().await,
                Err(error) => panic!("cannot click {css}: {error}"),
            }
        }
    }

    /// Drags one thing onto another with the mouse, as a hand does.
    pub async fn drag(&self, from: &str, to: &str) {
        let find = async |css: &str| self.browser.page().find(Locator::Css(css)).await.unwrap_or_else(|e| panic!("{css}: {e}"));
        let (from, to) = (find(from).await, find(to).await);
        let move_to = |element, x| PointerAction::MoveToElement { element, duration: Some(Duration::from_millis(50)), x, y: 0.0 };
        let mouse = MouseActions::new("mouse".to_owned())
            .then(move_to(from.clone(), 0.0))
            .then(PointerAction::Down { button: 0 })
            // It begins once the mouse has moved.
            .then(move_to(from, 6.0))
            .then(move_to(to.clone(), 0.0))
            .then(move_to(to, 3.0))
            .then(PointerAction::Up { button: 0 });
        self.browser.page().perform_actions(mouse).await.unwrap_or_else(|e| panic!("cannot drag: {e}"));
    }

    /// Moves the mouse over the middle of the first element that matches, and leaves it there.
    pub async fn hover(&self, css: &str) {
        self.see(css).await;
        let element = self.browser.page().find(Locator::Css(css)).await.unwrap_or_else(|e| panic!("{css}: {e}"));
        let over = PointerAction::MoveToElement { element, duration: Some(Duration::from_millis(50)), x: 0.0, y: 0.0 };
        let mouse = MouseActions::new("mouse".to_owned()).then(over);
        self.browser.page().perform_actions(mouse).await.unwrap_or_else(|e| panic!("cannot point at {css}: {e}"));
    }

    /// Types keys into the first element that matches.
    pub async fn type_into(&self, css: &str, keys: &str) {
        self.see(css).await;
        let element = self.browser.page().find(Locator::Css(css)).await.unwrap_or_else(|e| panic!("{css}: {e}"));
        element.send_keys(keys).await.unwrap_or_else(|e| panic!("cannot type into {css}: {e}"));
    }

    /// Replaces what is in a box of a form, named without its `field-`.
    pub async fn fill(&self, field: &str, text: &str) {
        let css = format!("[data-testid={}]", quoted(&format!("field-{field}")));
        // The second Control lets go of the first; in the midst of a text only Chromium does so for the null key.
        self.type_into(&css, &format!("{}a{}{text}", char::from(Key::Control), char::from(Key::Control))).await;
        self.wait(&format!("document.querySelector({}).value === {}", quoted(&css), quoted(text))).await;
    }

    /// Chooses an entry of a box with a list.
    pub async fn choose(&self, field: &str, value: &str) {
        let css = format!("select[data-testid={}]", quoted(&format!("field-{field}")));
        self.see(&css).await;
        let element = self.browser.page().find(Locator::Css(&css)).await.unwrap_or_else(|e| panic!("{css}: {e}"));
        // An entry whose value is its text need not have an attribute to be found by.
        let number =
            format!("return [...document.querySelector({}).options].findIndex(one => one.value === {})", quoted(&css), quoted(value));
        let number = self.browser.eval(&number).await.as_u64().unwrap_or_else(|| panic!("{css} has no {value}"));
        let at = usize::try_from(number).expect("few entries");
        element.select_by_index(at).await.unwrap_or_else(|e| panic!("{css}, {value}: {e}"));
    }

    /// Chooses a file in a box for files, which is not shown.
    pub async fn choose_file(&self, css: &str, path: &std::path::Path) {
        let input = self.browser.page().find(Locator::Css(css)).await.unwrap_or_else(|e| panic!("no {css}: {e}"));
        input.send_keys(&path.to_string_lossy()).await.unwrap_or_else(|e| panic!("{css} takes no file: {e}"));
    }

    /// Presses Esc where the focus is.
    pub async fn press_escape(&self) {
        self.type_into(":focus", &char::from(Key::Escape).to_string()).await;
    }

    /// Clicks the first button with this text below `css`.
    pub async fn press(&self, css: &str, text: &str) {
        while !self.is_pressed(css, text).await {}
    }

    /// False: it moved meanwhile, and took no answer.
    async fn is_pressed(&self, css: &str, text: &str) -> bool {
        self.wait(&format!(
            "[...document.querySelectorAll({})].some(e => e.textContent.trim() === {} && !e.closest('[data-ready=false]'))",
            quoted(&format!("{css} button")),
            quoted(text)
        ))
        .await;
        let number = format!(
            "return [...document.querySelectorAll({})].findIndex(e => e.textContent.trim() === {})",
            quoted(&format!("{css} button")),
            quoted(text)
        );
        let number = self.browser.eval(&number).await.as_u64().expect("a button that was just there");
        let all = self.browser.page().find_all(Locator::Css(&format!("{css} button"))).await.unwrap_or_else(|e| panic!("{css}: {e}"));
        let at = usize::try_from(number).expect("few buttons");
        self.browser.eval(WATCH_CLICKS).await;
        all[at].click().await.unwrap_or_else(|e| panic!("cannot press {text:?} of {css}: {e}"));
        self.browser.eval("return window.clickIgnored === true").await != true
    }

    /// Sets a check box.
    pub async fn check(&self, field: &str, on: bool) {
        let css = format!("[data-testid={}]", quoted(&format!("field-{field}")));
        self.see(&css).await;
        if self.browser.eval(&format!("return document.querySelector({}).checked", quoted(&css))).await != Value::Bool(on) {
            self.click(&css).await;
        }
        self.wait(&format!("document.querySelector({}).checked === {on}", quoted(&css))).await;
    }

    /// Fills the front page's form for XMPP, with what a server on loopback needs under "More options", without signing in.
    pub async fn fill_xmpp(&self, server: &Prosody, name: &str, password: &str) {
        self.click("[data-testid=tile-prpl-jabber]").await;
        self.fill("user", name).await;
        self.fill("part-0", "localhost").await;
        self.fill("password", password).await;
        self.click("[data-testid=network-form] [data-testid=more-options]").await;
        self.fill("option-connect_server", "127.0.0.1").await;
        self.fill("option-port", &server.port().to_string()).await;
        self.choose("option-connection_security", "opportunistic_tls").await;
        self.check("option-auth_plain_in_clear", true).await;
    }

    /// Signs in over XMPP through the front page and waits for the buddy list.
    pub async fn sign_in_xmpp(&self, server: &Prosody, name: &str) {
        self.fill_xmpp(server, name, &server.password(name)).await;
        self.click("[data-testid=signin]").await;
        self.see("[data-testid=buddy-list]").await;
    }

    /// Signs in over IRC through the front page and waits for the list.
    pub async fn sign_in_irc(&self, server: &Ngircd, nick: &str) {
        self.fill_irc("[data-testid=network-form]", server, nick).await;
        self.click("[data-testid=signin]").await;
        self.see("[data-testid=buddy-list]").await;
    }

    /// Adds an account on an ngircd of ours.
    pub async fn add_irc(&self, server: &Ngircd, nick: &str) {
        self.click("[data-testid=add-account]").await;
        self.fill_irc("[data-testid=add-account-dialog]", server, nick).await;
        self.click("[data-testid=account-save]").await;
        self.see_no("[data-testid=add-account-dialog]").await;
    }

    /// Chooses IRC and fills in its form, for a port without TLS.
    async fn fill_irc(&self, form: &str, server: &Ngircd, nick: &str) {
        self.click("[data-testid=tile-prpl-irc]").await;
        self.fill("user", nick).await;
        self.fill("part-0", "127.0.0.1").await;
        self.click(&format!("{form} [data-testid=more-options]")).await;
        self.check("option-ssl", false).await;
        self.fill("option-port", &server.port().to_string()).await;
    }

    /// Makes the guest a user of the site and gives the recovery code.
    pub async fn keep_things(&self, name: &str, password: &str) -> String {
        self.click("[data-testid=main-menu]").await;
        self.click("[data-testid=keep-things]").await;
        self.fill("new-name", name).await;
        self.fill("new-password", password).await;
        self.click("[data-testid=keep]").await;
        self.keep_code().await
    }

    /// Reads the recovery code that is shown, and says that it is kept.
    pub async fn keep_code(&self) -> String {
        self.see("[data-testid=recovery-code]").await;
        let code = self.texts("[data-testid=recovery-code]").await.remove(0);
        self.click("[data-testid=recovery-kept]").await;
        self.see_no("[data-testid=recovery-dialog]").await;
        code
    }

    /// Signs a user of the site in through the front page and waits for the buddy list.
    pub async fn sign_in_site(&self, name: &str, password: &str) {
        self.to_site().await;
        self.fill("site-name", name).await;
        self.fill("site-password", password).await;
        self.click("[data-testid=site-signin]").await;
        self.see("[data-testid=buddy-list]").await;
    }

    /// Goes to the form for users of the site, with which the page begins in a browser where one has signed in before.
    pub async fn to_site(&self) {
        self.see("[data-testid=network-form], [data-testid=site-form]").await;
        if self.seen("site-form").await == 0 {
            self.click("[data-testid=to-site]").await;
        }
        self.see("[data-testid=site-form]").await;
    }

    /// Opens the conversation with somebody on the list and gives the selector of its element.
    pub async fn open_buddy(&self, name: &str) -> String {
        self.click(&format!("[data-testid=buddy][data-name={}]", quoted(name))).await;
        let talk = conversation(name);
        self.see(&talk).await;
        talk
    }

    /// Begins a conversation with somebody who need not be on the list and gives the selector of its element.
    pub async fn write_to(&self, name: &str) -> String {
        self.click("[data-testid=list-add]").await;
        self.click("[data-testid=menu-new-message]").await;
        self.fill("buddy-name", name).await;
        self.click("[data-testid=new-message-ok]").await;
        let talk = conversation(name);
        self.see(&talk).await;
        self.see_no("[data-testid=new-message-dialog]").await;
        talk
    }

    /// Joins a room through the form, whose boxes are given by their keys, and gives the selector of its conversation.
    pub async fn join(&self, fields: &[(&str, &str)], name: &str) -> String {
        self.click("[data-testid=list-add]").await;
        self.click("[data-testid=menu-join-room]").await;
        for (key, value) in fields {
            self.fill(&format!("room-{key}"), value).await;
        }
        self.click("[data-testid=join-ok]").await;
        let talk = conversation(name);
        self.see(&talk).await;
        self.see_no("[data-testid=join-dialog]").await;
        talk
    }

    /// Writes into a conversation's box and presses Enter.
    pub async fn say(&self, talk: &str, text: &str) {
        self.type_into(&format!("{talk} [data-testid=composer]"), &format!("{text}{}", char::from(Key::Enter))).await;
    }

    /// Waits until a conversation shows a message with exactly this text that came from somebody else.
    pub async fn hears(&self, talk: &str, text: &str) {
        self.shows(&format!("{talk} [data-testid=message][data-state=received] [data-testid=message-text]"), text).await;
    }

    /// Waits until a conversation shows a message of one's own, as sent.
    pub async fn sent(&self, talk: &str, text: &str) {
        self.shows(&format!("{talk} [data-testid=message][data-state=sent] [data-testid=message-text]"), text).await;
    }

    /// Waits until the text of an element that matches is exactly this.
    pub async fn shows(&self, css: &str, text: &str) {
        self.wait(&format!("[...document.querySelectorAll({})].some(e => e.textContent === {})", quoted(css), quoted(text))).await;
    }

    /// Waits until everything that slides or fades has come to its place.
    pub async fn at_rest(&self) {
        let rest = "document.fonts.status === 'loaded'
            && document.getAnimations().every(one => one.playState !== 'running' || one.effect.getTiming().iterations === Infinity)";
        self.drawn().await;
        self.wait(rest).await;
        self.drawn().await;
    }

    /// Waits until what has been changed is on the screen, with whatever begins to move or has come to its end by that.
    async fn drawn(&self) {
        let frames = "const done = arguments[arguments.length - 1]; requestAnimationFrame(() => requestAnimationFrame(() => done(true)))";
        self.browser.page().execute_async(frames, Vec::new()).await.unwrap_or_else(|e| panic!("two frames: {e}"));
    }

    /// How many elements with this handle can be seen.
    pub async fn seen(&self, testid: &str) -> u64 {
        let script = format!(
            "return [...document.querySelectorAll('[data-testid={testid}]')].filter(e => e.checkVisibility() && e.getBoundingClientRect().width > 0).length"
        );
        self.browser.eval(&script).await.as_u64().expect("a number")
    }

    /// Panics when anything can be scrolled sideways or a handle of the page is cut off at the side.
    pub async fn assert_fits(&self, what: &str) {
        self.at_rest().await;
        let found = self
            .browser
            .eval(
                "const all = document.documentElement;
                 const out = [...document.querySelectorAll('[data-testid]')].filter(e => e.checkVisibility({ visibilityProperty: true }))
                     .filter(e => { const box = e.getBoundingClientRect(); return box.width > 0 && (box.left < -1 || box.right > innerWidth + 1); })
                     .filter(e => !e.closest('.tabs, .dock, .place-nav, .picker-groups'));
                 return { wide: Math.max(all.scrollWidth, document.body.scrollWidth) > innerWidth, high: all.scrollHeight > innerHeight && !!document.querySelector('[data-testid=buddy-list]'),
                     out: out.map(e => e.dataset.testid) };",
            )
            .await;
        assert_eq!(found, json!({ "wide": false, "high": false, "out": [] }), "{what}");
    }

    /// Controls that are smaller than a thumb (44 pixels), each with the place where it was seen. Links within a text are as large as their words.
    pub async fn too_small(&self, place: &str) -> Vec<String> {
        self.at_rest().await;
        let script = "const touched = 'button, select, textarea, input, a, summary, [role=treeitem]';
            return [...document.querySelectorAll(touched)].filter(one => one.checkVisibility({ visibilityProperty: true }) && !one.closest('.said, .prose, [aria-hidden=true]'))
                .map(one => [one.closest('label') ?? one, one]).map(([one, own]) => [one.getBoundingClientRect(), own])
                .filter(([box]) => box.width > 1 && (box.width < 44 || box.height < 44))
                .map(([box, one]) => `${Math.round(box.width)} x ${Math.round(box.height)}: ${one.outerHTML.slice(0, 160)}`)";
        let found = self.browser.eval(script).await;
        found.as_array().into_iter().flatten().map(|one| format!("{place}: {}", one.as_str().unwrap_or_default())).collect()
    }

    /// Signs out by the menu and waits for the front page.
    pub async fn sign_out(&self) {
        self.click("[data-testid=main-menu]").await;
        self.click("[data-testid=sign-out]").await;
        // A guest is asked: what is forgotten does not come back.
        self.click("[data-testid=confirm-ok]").await;
        self.see("[data-testid=tile-prpl-jabber]").await;
    }

    /// Panics when something went wrong in the page's script that nobody there had thought of.
    pub async fn assert_no_mishap(&self) {
        assert_eq!(self.browser.eval("return window.mishaps").await, json!([]), "errors that nobody caught");
    }

    /// Panics when the page asked anybody but its own server for something, or tried to do what its policy forbids.
    pub async fn assert_kept_to_itself(&self) {
        let asked =
            "return performance.getEntriesByType('resource').map(one => one.name).filter(name => !name.startsWith(location.origin + '/'))";
        assert_eq!(self.browser.eval(asked).await, json!([]), "requests to strangers");
        assert_eq!(self.browser.eval("return window.violations").await, json!([]), "breaches of the page's policy");
        let refused: Vec<_> = self.browser.console().await.into_iter().filter(|line| line.contains("Security Policy")).collect();
        assert!(refused.is_empty(), "{refused:?}");
    }
}

/// The selector of the conversation with this name on the network.
pub fn conversation(name: &str) -> String {
    format!("[data-testid=conversation][data-name={}]", quoted(name))
}

/// As a string of JavaScript, and of CSS as long as it has no control characters.
pub fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn passes(error: &CmdError) -> bool {
    let CmdError::Standard(error) = error else { return false };
    matches!(
        error.error,
        ErrorStatus::StaleElementReference
            | ErrorStatus::ElementClickIntercepted
            | ErrorStatus::ElementNotInteractable
            | ErrorStatus::NoSuchElement
    )
}
