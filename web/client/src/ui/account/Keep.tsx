// A guest becomes a user of the site: name, password, and all goes on; it must not know what comes of it.
import { becomeUser } from "../../app/session";
import { w } from "../../words";
import { m } from "../../words/later";
import { Dialog, openDialog, toast } from "../Dialog";
import { useNewUser } from "../front/siteForms";

function Keep({ close }: { close(): void }) {
  const { fields, sending, ready, send } = useNewUser();
  const submit = () => send(async (name, password, invite) => {
    await becomeUser(name, password, invite);
    close();
    toast(m.keep.done);
  });
  return (
    <Dialog title={m.keep.title} testid="keep-dialog" onClose={close} onSubmit={submit}
      actions={<><button type="button" onClick={close}>{w.cancel}</button><button type="submit" class="primary" disabled={sending.busy.value || sending.wait > 0 || !ready} data-testid="keep">{sending.busy.value && <i class="spinner" />}{m.keep.yes}</button></>}>
      <p class="lead">{m.keep.lead}</p>
      {fields}
    </Dialog>
  );
}

export function keepDialog(): void {
  openDialog((close) => <Keep close={close} />);
}
