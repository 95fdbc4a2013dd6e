// Messages around a hit in a room that the user is not in, to be read; it must not write.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { history } from "../../net";
import { logItems, type LogItem } from "../../state/log";
import type { Hit as SearchHit } from "../../wire/types";
import { errorText, w } from "../../words";
import { m } from "../../words/later";
import { Dialog, openDialog } from "../Dialog";
import { rejoin } from "../dialogs/Join";
import { Problem } from "../front/problem";
import { Row } from "../talk/Rows";
import { placeOf } from "./Hit";

/** Messages that are shown. */
const SHOWN = 60;

function Around({ hit, close, all }: { hit: SearchHit; close(): void; all(): void }) {
  const items = useSignal<readonly LogItem[] | null>(null);
  const failed = useSignal<unknown>(null);
  const box = useRef<HTMLDivElement>(null);
  const { title, name, room } = placeOf(hit);
  useEffect(() => {
    history(hit.conversation, { around: hit.message.id }, SHOWN).then(
      (answer) => (items.value = logItems(answer.messages, [], null, answer.gaps)),
      (cause: unknown) => (failed.value = cause),
    );
  }, []);
  useEffect(() => {
    const row = box.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(hit.message.id)}"]`);
    row?.scrollIntoView({ block: "center" });
    row?.classList.add("sought");
  }, [items.value]);
  const join = () => {
    close();
    all();
    rejoin(hit.account, name);
  };
  return (
    <Dialog title={title} testid="around-dialog" wide onClose={close}
      actions={<><button type="button" onClick={close}>{m.search.backToHits}</button><span class="stretch" />{room && <button type="button" class="primary" data-testid="around-join" onClick={join}>{m.search.joinRoom}</button>}</>}>
      {room && <p class="lead">{m.search.closedRoom}</p>}
      {failed.value !== null ? <Problem text={errorText(failed.value)} /> : items.value === null ? <p class="lead"><i class="spinner" /> {w.loading}</p> : (
        <div class={room ? "log room-log around" : "log around"} role="log" aria-live="off" aria-label={w.talk.log} tabIndex={0} ref={box}>
          <div class="log-rows">{items.value.map((item) => <Row key={item.key} item={item} talk={hit.conversation} room={room} title={title} nick="" />)}</div>
        </div>
      )}
    </Dialog>
  );
}

/** Opens over the search place; `all` closes that, too. */
export function surroundings(hit: SearchHit, all: () => void): void {
  openDialog((close) => <Around hit={hit} close={close} all={all} />);
}
