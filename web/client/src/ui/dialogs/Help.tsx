// The page's help; it must not bind keys.
import { prefs } from "../../app/prefs";
import { w } from "../../words";
import { m } from "../../words/later";
import { Dialog, openDialog } from "../Dialog";

function Keys({ rows, plain }: { rows: readonly [string, string][]; plain?: boolean }) {
  return (
    <dl class="keys">
      {rows.map(([keys, what]) => (
        <div key={keys + what}>
          <dt>{plain ? keys : keys.split(" / ").map((one, at) => <span key={one}>{at > 0 && " "}<kbd>{one}</kbd></span>)}</dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  );
}

/** As its user has it: which key sends. */
function keyRows(): readonly [string, string][] {
  if (prefs.send_key.value === "enter") return m.help.keys;
  const named: Record<string, string> = { Enter: "Ctrl Enter", "Shift Enter": "Enter / Shift Enter" };
  return m.help.keys.map(([keys, what]) => [named[keys] ?? keys, what]);
}

/** All keys, what can be typed, and what the mouse does. */
export function KeyTables() {
  return (
    <>
      <p class="lead">{m.help.lead}</p>
      <Keys rows={keyRows()} />
      <h3>{m.help.typingTitle}</h3>
      <Keys rows={m.help.typing} />
      <h3>{m.help.mouseTitle}</h3>
      <Keys rows={m.help.mouse} plain />
    </>
  );
}

export function helpDialog(): void {
  openDialog((close) => (
    <Dialog title={m.help.title} testid="help-dialog" wide onClose={close} actions={<button type="button" class="primary" data-first onClick={close}>{w.close}</button>}>
      <KeyTables />
    </Dialog>
  ));
}
