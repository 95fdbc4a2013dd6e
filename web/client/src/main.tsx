// Starts the page; it must not do anything else.
import { render } from "preact";
import { startAttention } from "./app/attention";
import { start } from "./app/session";
import { App } from "./ui/App";
import "./style/main.css";

const root = document.getElementById("app");
// What stands there before says that this did not come.
root?.replaceChildren();
if (root) render(<App />, root);
startAttention();
start();
