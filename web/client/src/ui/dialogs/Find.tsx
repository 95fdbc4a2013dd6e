// The place where one finds a room by what is talked about: rooms as one types, live, joined by one press; it must not know networks.
import { useSignal } from "@preact/signals";
import { useEffect, useId, useMemo, useRef } from "preact/hooks";
import { serverNow } from "../../app/clock";
import { able, enter, Finding } from "../../app/finding";
import { accounts, protocolOf } from "../../app/store";
import { show, showResult } from "../../app/windows";
import { keyOf, rowAt } from "../../state/found";
import type { DiscoveredRoom } from "../../wire/types";
import { errorText, w, when } from "../../words";
import { m } from "../../words/later";
import { Dialog, openDialog } from "../Dialog";
import { Problem } from "../front/problem";
import { NetworkTile } from "../glyphs";
import { Icon } from "../icons";
import { composing } from "../keys";
import { joinDialog } from "./Join";

/** The reasons for which a room is in the list, in words, the strongest first. */
function reasons({ match, bookmark }: DiscoveredRoom): string[] {
  const all = [
    match.hits > 0 ? m.find.hits(match.hits) : match.last ? m.find.last(when(match.last, serverNow())) : "",
    match.joined ? m.find.joined : bookmark ? m.find.kept : "",
    match.name ? m.find.inName : "",
    match.topic ? m.find.inTopic : "",
  ];
  return all.filter((one) => one !== "");
}

const networkOf = (account: string): string => {
  const known = accounts.value.get(account);
  return known ? (protocolOf(known.protocol)?.name ?? known.protocol) : "";
};

function Row({ room }: { room: DiscoveredRoom }) {
  const account = accounts.value.get(room.account);
  const via = account ? m.find.via(networkOf(room.account), account.username) : "";
  return (
    <>
      <span class="find-net" title={via}><NetworkTile protocol={account?.protocol ?? ""} size={34} /><span class="sr">{networkOf(room.account)}</span></span>
      <span class="find-text">
        <b dir="auto" title={Object.values(room.fields).join(" ")}>{room.name}</b>
        {room.topic && <small dir="auto" title={room.topic}>{room.topic}</small>}
        <span class="find-why">{reasons(room).map((one) => <span key={one}>{one}</span>)}</span>
      </span>
      {room.people !== undefined && room.people !== null && (
        <span class="rooms-people" title={m.room.people(room.people)}><Icon name="people" size={14} /><span aria-hidden="true">{room.people.toLocaleString()}</span><span class="sr">{m.room.people(room.people)}</span></span>
      )}
    </>
  );
}

function Find({ start, close }: { start: string; close(): void }) {
  const finding = useMemo(() => new Finding(), []);
  const id = useId();
  const chosen = useSignal<string | null>(null);
  const joining = useSignal<string | null>(null);
  const failed = useSignal<{ key: string; room: DiscoveredRoom; cause: unknown } | null>(null);
  const pointed = useRef(false);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    finding.held = () => pointed.current || chosen.peek() !== null;
    if (start !== "") finding.type(start);
    return () => finding.end();
  }, []);
  const rooms = finding.rooms.value;
  const answer = finding.answer.value;
  const at = rooms.findIndex((room) => keyOf(room) === chosen.value);
  const pending = (answer?.pending ?? []).map(networkOf).filter((name, n, all) => name !== "" && all.indexOf(name) === n);
  const isAbout = finding.about.value === finding.text.value.trim();
  useEffect(() => {
    if (at >= 0) list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);

  const join = (room: DiscoveredRoom | undefined) => {
    if (!room || joining.value !== null) return;
    const { conversation } = room;
    if (room.match.joined && conversation) {
      close();
      // Once the dialog is gone: Firefox gives the focus to the window behind it, which would be in front then.
      setTimeout(() => show(conversation));
      return;
    }
    const from = document.activeElement;
    joining.value = keyOf(room);
    failed.value = null;
    enter(room).then(
      (result) => {
        close();
        setTimeout(() => showResult(result, from));
      },
      (cause: unknown) => {
        failed.value = { key: keyOf(room), room, cause };
        joining.value = null;
      },
    );
  };
  const press = (event: KeyboardEvent) => {
    if (composing(event)) return;
    if (event.key === "Escape") {
      // Some browsers would only empty the box.
      event.preventDefault();
      return close();
    }
    if (event.key === "Enter") {
      event.preventDefault();
      // The rows may still be those of other words: Enter joins nothing then.
      if (isAbout) join(rooms[Math.max(at, 0)]);
      return;
    }
    const to = event.altKey || event.ctrlKey || event.metaKey ? null : rowAt(event.key, at, rooms.length);
    if (to === null) return;
    event.preventDefault();
    const room = rooms[to];
    chosen.value = room ? keyOf(room) : null;
  };
  const type = (text: string) => {
    chosen.value = null;
    failed.value = null;
    finding.type(text);
  };
  const count = rooms.length === 0 ? "" : m.room.found(rooms.length);
  const status = finding.text.value.trim() === "" || !isAbout ? "" : pending.length > 0 ? `${count} ${m.find.pending(pending)}`.trim() : count;
  return (
    <Dialog title={m.find.title} testid="find-dialog" place onClose={close}>
      <div class="find">
        <div class="find-box">
          <Icon name="search" size={18} />
          <input type="search" data-first dir="auto" autocomplete="off" autocapitalize="none" spellcheck={false} maxLength={200} value={finding.text.value} placeholder={m.find.placeholder} aria-label={m.find.placeholder}
            {...({ role: "combobox" } as object)} aria-expanded={rooms.length > 0} aria-controls={`${id}-rooms`} aria-autocomplete="list" aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
            data-testid="find-input" onInput={(event) => type(event.currentTarget.value)} onKeyDown={press} />
          {(finding.busy.value || pending.length > 0) && <i class="spinner" />}
        </div>
        <p class="find-status" role="status" data-testid="find-status">{status}</p>
        {finding.error.value !== null && <Problem text={errorText(finding.error.value)} />}
        {(answer?.failed ?? []).map((one) => <p key={one.account} class="find-note" data-testid="find-failed">{m.find.failed(networkOf(one.account), one.error.message)}</p>)}
        {answer?.partial && answer.partial.length > 0 && <p class="find-note">{m.find.partial(answer.partial.map(networkOf))}</p>}
        <ul id={`${id}-rooms`} class="find-rooms" role="listbox" aria-label={m.find.rooms} ref={list} data-testid="find-rooms" hidden={rooms.length === 0}
          onPointerEnter={() => (pointed.current = true)} onPointerLeave={() => (pointed.current = false)} onPointerDown={(event) => { if (event.pointerType === "mouse") event.preventDefault(); }}>
          {rooms.map((room, n) => (
            <li key={keyOf(room)} id={`${id}-${n}`} role="option" aria-selected={n === at} aria-busy={joining.value === keyOf(room) || undefined} data-testid="find-room" data-name={room.name} onClick={() => join(room)}>
              <Row room={room} />
              {joining.value === keyOf(room) && <i class="spinner" />}
            </li>
          ))}
        </ul>
        {failed.value && (
          <div class="find-refused" role="alert" data-testid="find-refused">
            <Problem text={m.find.refused(failed.value.room.name, errorText(failed.value.cause))} />
            <button type="button" class="text-link" data-testid="find-form" onClick={() => { const { room, cause } = failed.value ?? {}; close(); if (room) joinDialog(room.account, room.fields, cause); }}>{m.find.form}</button>
          </div>
        )}
        {rooms.length === 0 && (
          <div class="find-empty" data-testid="find-empty">
            <Icon name="hash" size={34} />
            <p>{finding.text.value.trim() === "" ? (able() ? m.find.lead : m.room.noAccounts) : !isAbout ? w.loading : pending.length > 0 ? m.find.looking(pending) : m.find.none(finding.text.value.trim())}</p>
            {isAbout && pending.length === 0 && able() && <button type="button" class="text-link" onClick={() => { close(); joinDialog(); }}>{m.find.byName}</button>}
          </div>
        )}
      </div>
    </Dialog>
  );
}

export function findDialog(start = ""): void {
  openDialog((close) => <Find start={start} close={close} />);
}
