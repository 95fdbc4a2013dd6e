//! WebDriver for Firefox, which without a further program speaks Marionette alone: the same commands, as JSON with a length before it on a
//! plain connection. It must not know what is asked or answered beyond the names of the commands.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::{AbortHandle, JoinSet};

/// A WebDriver server on a free loopback port in front of one Firefox. Dropping it closes all its connections.
pub(crate) struct Front {
    url: String,
    serving: AbortHandle,
}

impl Front {
    /// Connects to the Firefox whose Marionette listens on `port`.
    pub(crate) async fn of(port: u16) -> Self {
        let firefox = Arc::new(Mutex::new(Marionette::connect(port).await));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let serving = tokio::spawn(async move {
            let mut visitors = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                visitors.spawn(serve(stream, Arc::clone(&firefox)));
            }
        });
        Self { url, serving: serving.abort_handle() }
    }

    /// Its address, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Answers the requests of one connection until it ends.
async fn serve(stream: TcpStream, firefox: Arc<Mutex<Marionette>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if stream.read_line(&mut first).await? == 0 {
            return Ok(());
        }
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse().unwrap_or(0),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let mut words = first.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let answer = match command(method, path, serde_json::from_slice(&body).unwrap_or_default()) {
            Some((name, parameters)) => firefox.lock().await.ask(name, parameters).await,
            None => Err(json!({ "error": "unknown command", "message": format!("{method} {path}"), "stacktrace": "" })),
        };
        let (status, value) = match answer {
            Ok(value) => ("200 OK", value),
            Err(error) => ("500 Internal Server Error", error),
        };
        let body = json!({ "value": value }).to_string();
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).await?;
        stream.flush().await?;
    }
}

/// What Marionette calls a request of WebDriver, and its parameters: those of the body and the ids of the path.
fn command(method: &str, path: &str, body: Value) -> Option<(&'static str, Value)> {
    let mut parameters = if let Value::Object(body) = body { body } else { Map::new() };
    let parts: Vec<_> = path.split('/').skip(1).collect();
    let (name, id) = match (method, parts.as_slice()) {
        ("POST", ["session"]) => {
            let wanted = parameters["capabilities"]["alwaysMatch"].take();
            return Some(("WebDriver:NewSession", wanted));
        }
        ("DELETE", ["session", _]) => ("WebDriver:DeleteSession", None),
        (_, ["session", _, rest @ ..]) => match (method, rest) {
            ("GET", ["url"]) => ("WebDriver:GetCurrentURL", None),
            ("POST", ["url"]) => ("WebDriver:Navigate", None),
            ("POST", ["refresh"]) => ("WebDriver:Refresh", None),
            ("POST", ["element"]) => ("WebDriver:FindElement", None),
            ("POST", ["elements"]) => ("WebDriver:FindElements", None),
            ("POST", ["element", id, "element"]) => ("WebDriver:FindElement", Some(("element", *id))),
            ("POST", ["element", id, "elements"]) => ("WebDriver:FindElements", Some(("element", *id))),
            ("POST", ["element", id, "click"]) => ("WebDriver:ElementClick", Some(("id", *id))),
            ("POST", ["element", id, "value"]) => ("WebDriver:ElementSendKeys", Some(("id", *id))),
            ("POST", ["execute", "sync"]) => ("WebDriver:ExecuteScript", None),
            ("POST", ["execute", "async"]) => ("WebDriver:ExecuteAsyncScript", None),
            ("POST", ["actions"]) => ("WebDriver:PerformActions", None),
            ("GET", ["window"]) => ("WebDriver:GetWindowHandle", None),
            ("POST", ["window"]) => ("WebDriver:SwitchToWindow", None),
            ("POST", ["window", "new"]) => ("WebDriver:NewWindow", None),
            ("DELETE", ["window"]) => ("WebDriver:CloseWindow", None),
            ("GET", ["screenshot"]) => {
                parameters.insert("full".to_owned(), json!(false));
                ("WebDriver:TakeScreenshot", None)
            }
            // Scripts after it see the page, or the browser around it.
            ("POST", ["moz", "context"]) => {
                let context = parameters.remove("context").unwrap_or_default();
                parameters.insert("value".to_owned(), context);
                ("Marionette:SetContext", None)
            }
            _ => return None,
        },
        _ => return None,
    };
    if let Some((key, id)) = id {
        parameters.insert(key.to_owned(), json!(id));
    }
    Some((name, Value::Object(parameters)))
}

/// A connection to Firefox.
struct Marionette {
    stream: BufReader<TcpStream>,
    asked: u64,
}

impl Marionette {
    async fn connect(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("Firefox has just been listening");
        let mut marionette = Self { stream: BufReader::new(stream), asked: 0 };
        let hello = tokio::time::timeout(Duration::from_secs(60), marionette.read()).await.expect("Firefox's greeting in time");
        assert_eq!(hello.expect("Firefox's greeting")["marionetteProtocol"], json!(3), "the protocol that is spoken here");
        marionette
    }

    /// Asks and waits for the result, or for the error as WebDriver has it.
    async fn ask(&mut self, name: &str, parameters: Value) -> Result<Value, Value> {
        let lost = |e: std::io::Error| json!({ "error": "unknown error", "message": format!("Firefox is gone: {e}"), "stacktrace": "" });
        self.asked += 1;
        let question = json!([0, self.asked, name, parameters]).to_string();
        self.stream.write_all(format!("{}:{question}", question.len()).as_bytes()).await.map_err(lost)?;
        let mut answer = self.read().await.map_err(lost)?;
        // 1, the number of the question, the error, the result.
        if !answer[2].is_null() {
            return Err(answer[2].take());
        }
        let mut result = answer[3].take();
        let alone = result.as_object().is_some_and(|fields| fields.len() == 1 && fields.contains_key("value"));
        Ok(if alone { result["value"].take() } else { result })
    }

    /// The next message: its length in bytes, a colon, and JSON.
    async fn read(&mut self) -> std::io::Result<Value> {
        let mut length = Vec::new();
        self.stream.read_until(b':', &mut length).await?;
        let length = std::str::from_utf8(&length).ok().and_then(|text| text.trim_end_matches(':').parse().ok());
        let mut message = vec![0; length.ok_or(std::io::ErrorKind::UnexpectedEof)?];
        self.stream.read_exact(&mut message).await?;
        Ok(serde_json::from_slice(&message)?)
    }
}
