// The page's help; it must not bind keys.
import { w } from "../../words";
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

export function helpDialog(): void {
  openDialog((close) => (
    <Dialog title={w.help.title} testid="help-dialog" wide onClose={close} actions={<button type="button" class="primary" autofocus onClick={close}>{w.close}</button>}>
      <p class="lead">{w.help.lead}</p>
      <Keys rows={w.help.keys} />
      <h3>{w.help.typingTitle}</h3>
      <Keys rows={w.help.typing} />
      <h3>{w.help.mouseTitle}</h3>
      <Keys rows={w.help.mouse} plain />
    </Dialog>
  ));
}
