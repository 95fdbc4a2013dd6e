// The page's help; it must not bind keys.
import { w } from "../../words";
import { Dialog, openDialog } from "../Dialog";

export function helpDialog(): void {
  openDialog((close) => (
    <Dialog title={w.help.title} testid="help-dialog" onClose={close} actions={<button type="button" class="primary" autofocus onClick={close}>{w.close}</button>}>
      <p class="lead">{w.help.lead}</p>
      <dl class="keys">
        {w.help.keys.map(([keys, what]) => <div key={keys}><dt>{keys.split(" / ").map((one, at) => <span key={one}>{at > 0 && " "}<kbd>{one}</kbd></span>)}</dt><dd>{what}</dd></div>)}
      </dl>
    </Dialog>
  ));
}
