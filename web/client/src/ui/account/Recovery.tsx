// The recovery code, shown once after it was made; it must not keep it.
import { useSignal } from "@preact/signals";
import { recovery } from "../../app/session";
import { site } from "../../app/store";
import { w } from "../../words";
import { Dialog, toast } from "../Dialog";
import { Icon } from "../icons";

/** Saves a text as a file of this name. */
function save(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function Shown({ name, code }: { name: string; code: string }) {
  const sure = useSignal(false);
  const kept = useSignal(false);
  const done = () => (recovery.value = null);
  const close = () => {
    if (kept.value || sure.value) done();
    else sure.value = true;
  };
  const copy = () => {
    // By plain HTTP there is no clipboard: it is selected, to be copied by hand.
    const select = () => getSelection()?.selectAllChildren(document.querySelector(".recovery-code") ?? document.body);
    const written = (navigator as Partial<Navigator>).clipboard?.writeText(code);
    if (!written) return void select();
    written.then(
      () => {
        kept.value = true;
        toast(w.copied);
      },
      () => void select(),
    );
  };
  const download = () => {
    kept.value = true;
    save("recovery-code.txt", w.recovery.file(name, site.value?.name ?? w.app, code));
  };
  return (
    <Dialog title={w.recovery.title} testid="recovery-dialog" onClose={close} onSubmit={done}
      actions={<button type="submit" class="primary" data-testid="recovery-kept">{w.recovery.kept}</button>}>
      <p class="lead">{w.recovery.lead}</p>
      <p class="recovery-code" tabIndex={0} aria-label={w.recovery.code} data-testid="recovery-code">{code}</p>
      <p class="button-row">
        <button type="button" class="soft" onClick={copy} data-testid="recovery-copy"><Icon name="copy" size={16} />{w.recovery.copy}</button>
        <button type="button" class="soft" onClick={download} data-testid="recovery-download"><Icon name="down" size={16} />{w.recovery.download}</button>
      </p>
      {sure.value && <p class="notice" role="alert">{w.recovery.sure}</p>}
    </Dialog>
  );
}

export function RecoveryHost() {
  const told = recovery.value;
  return told === null ? null : <Shown key={told.code} name={told.name} code={told.code} />;
}
