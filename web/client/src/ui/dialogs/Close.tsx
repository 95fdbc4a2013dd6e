// The fate of a room whose window is closed: asked once, and then as its user said; it must not know windows.
import { useSignal } from "@preact/signals";
import { listen } from "../../app/listening";
import { choose, prefs } from "../../app/prefs";
import { talks } from "../../app/store";
import { closeNow, hide, onClose } from "../../app/windows";
import type { Talk } from "../../state/model";
import { w } from "../../words";
import { Dialog, openDialog } from "../Dialog";
import { CheckField } from "../fields";

type Way = "leave" | "listen";

function carryOut(id: string, way: Way): void {
  if (way === "leave") return closeNow(id);
  listen(id, true);
  hide(id);
}

function Close({ talk, close }: { talk: Talk; close(): void }) {
  const always = useSignal(false);
  const take = (way: Way) => {
    if (always.value) choose("close_room", way);
    close();
    carryOut(talk.id, way);
  };
  return (
    <Dialog title={w.closing.title(talk.title)} testid="close-dialog" onClose={close} onSubmit={() => take("listen")}
      actions={
        <>
          <button type="button" onClick={close}>{w.cancel}</button>
          <span class="stretch" />
          <button type="button" class="danger-text" data-testid="close-leave" onClick={() => take("leave")}>{w.closing.leave}</button>
          <button type="submit" class="primary" data-first data-testid="close-listen">{w.closing.listen}</button>
        </>
      }>
      <p>{w.closing.lead}</p>
      <CheckField label={w.closing.always} name="close-always" value={always.value} onInput={(on) => (always.value = on)} />
    </Dialog>
  );
}

onClose((id) => {
  const talk = talks.peek().get(id);
  if (talk?.kind !== "room" || talk.joined === false) return false;
  const way = prefs.close_room.peek();
  if (way === "ask") openDialog((close) => <Close talk={talk} close={close} />);
  else carryOut(id, way);
  return true;
});
