//! Drives a conversation's messages and box by hand: mouse, second button, long touch, keys and paste. Does not know how the page is built
//! beyond the handles of `web/client/README.md`.

use fantoccini::key::Key;
use serde_json::{Value, json};

use crate::page::{Page, quoted};

/// A key, as the text that presses it.
pub fn key(key: Key) -> String {
    char::from(key).to_string()
}

/// Keys with another one held down.
pub fn with(held: Key, keys: &str) -> String {
    format!("{}{keys}{}", char::from(held), char::from(Key::Null))
}

/// The selector of the box in which one writes, of the conversation with this selector.
pub fn box_of(talk: &str) -> String {
    format!("{talk} [data-testid=composer]")
}

impl Page {
    /// Presses keys where the focus is.
    pub async fn press_keys(&self, keys: &str) {
        self.type_into(":focus", keys).await;
    }

    /// The middle of the first element that matches, once nothing moves.
    pub async fn middle(&self, css: &str) -> (f64, f64) {
        self.see(css).await;
        self.at_rest().await;
        let script = format!(
            "const b = document.querySelector({}).getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]",
            quoted(css)
        );
        let at = self.browser().eval(&script).await;
        (at[0].as_f64().expect("a number"), at[1].as_f64().expect("a number"))
    }

    async fn mouse(&self, kind: &str, button: &str, (x, y): (f64, f64)) {
        let event = json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": i32::from(button != "none") });
        self.browser().devtools("Input.dispatchMouseEvent", event).await;
    }

    /// Moves the mouse over something. Chromium alone, as all that points.
    pub async fn point_at(&self, css: &str) {
        let at = self.middle(css).await;
        self.mouse("mouseMoved", "none", at).await;
    }

    /// Clicks something with the second button.
    pub async fn right_click(&self, css: &str) {
        let at = self.middle(css).await;
        self.mouse("mouseMoved", "none", at).await;
        self.mouse("mousePressed", "right", at).await;
        self.mouse("mouseReleased", "right", at).await;
    }

    /// Holds a finger on something until a menu is there.
    pub async fn hold(&self, css: &str) {
        let (x, y) = self.middle(css).await;
        let touch = |kind: &str, points: Value| json!({ "type": kind, "touchPoints": points });
        self.browser().devtools("Input.dispatchTouchEvent", touch("touchStart", json!([{ "x": x, "y": y }]))).await;
        self.see("[role=menu]").await;
        self.browser().devtools("Input.dispatchTouchEvent", touch("touchEnd", json!([]))).await;
    }

    /// The selector of the message with this text.
    pub async fn message(&self, talk: &str, text: &str) -> String {
        let find = format!(
            "[...document.querySelectorAll({})].find(e => e.querySelector('[data-testid=message-text]').textContent === {})",
            quoted(&format!("{talk} [data-testid=message]")),
            quoted(text)
        );
        self.wait(&format!("{find}?.dataset.row")).await;
        let id = self.browser().eval(&format!("return {find}.dataset.row")).await;
        format!("{talk} [data-row={}]", quoted(id.as_str().expect("an id")))
    }

    /// Waits until the box of a conversation has exactly this in it.
    pub async fn written(&self, talk: &str, text: &str) {
        let css = quoted(&format!("{talk} [data-testid=composer]"));
        self.wait(&format!("document.querySelector({css}).value === {}", quoted(text))).await;
    }

    /// Takes all out of the box of a conversation.
    pub async fn empty(&self, talk: &str) {
        let keys = format!("{}a{}{}", char::from(Key::Control), char::from(Key::Null), char::from(Key::Delete));
        self.type_into(&format!("{talk} [data-testid=composer]"), &keys).await;
        self.written(talk, "").await;
    }

    /// Pastes a text into the box of a conversation. False: the page does something else with it.
    pub async fn paste(&self, talk: &str, text: &str) -> bool {
        let script = format!(
            "const box = document.querySelector({}), data = new DataTransfer();
             data.setData('text/plain', {});
             box.focus();
             return box.dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: data, bubbles: true, cancelable: true }}))",
            quoted(&format!("{talk} [data-testid=composer]")),
            quoted(text)
        );
        self.browser().eval(&script).await == true
    }
}
