// The card of a person: what is known here at once, and what their network tells as it comes; it must not show a network's text as markup.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { command, notices } from "../../app/store";
import { openBuddy } from "../../app/windows";
import { errorText, w } from "../../words";
import { m } from "../../words/later";
import { Avatar, Dot } from "../Avatar";
import { Dialog, openDialog, toast } from "../Dialog";
import { addBuddyDialog } from "../dialogs/AddBuddy";
import { Problem } from "../front/problem";
import { expect, leave, PATIENCE, told } from "./asking";
import { Entries } from "./Entries";
import { factsOf, type Facts, type Whom } from "./facts";

const p = m.people;

/** Picture, name, address and presence of a person, for the card and the tip. */
export function Face({ facts, icon, size }: { facts: Facts; icon?: string | null | undefined; size: number }) {
  return (
    <div class="face">
      <Avatar name={facts.name} of={facts.address} icon={icon ?? facts.icon} presence={facts.presence} size={size} />
      <span class="two wraps">
        <b dir="auto">{facts.name}</b>
        {facts.address !== facts.name && <small class="address" dir="auto">{facts.address}</small>}
        {facts.presence && <small class="state" dir="auto"><Dot presence={facts.presence} />{[facts.status, facts.message].filter(Boolean).join(" · ")}</small>}
      </span>
    </div>
  );
}

export function Rows({ facts }: { facts: Facts }) {
  return (
    <dl class="facts">
      {facts.rows.map(([label, value]) => <div key={label}><dt>{label}</dt><dd dir="auto">{value}</dd></div>)}
    </dl>
  );
}

type Asking = { kind: "asking" } | { kind: "silent" } | { kind: "offline" } | { kind: "failed"; error: unknown };

function PersonCard({ whom, close }: { whom: Whom; close(): void }) {
  const facts = factsOf(whom);
  const able = facts.account?.state === "online";
  const asks = able && facts.account?.features.includes("info") === true;
  const asking = useSignal<Asking>(asks ? { kind: "asking" } : able ? { kind: "silent" } : { kind: "offline" });
  const card = useSignal(0);
  useEffect(() => {
    if (!asks) return;
    card.value = expect(whom);
    const timer = setTimeout(() => (asking.value = { kind: "silent" }), PATIENCE);
    command("buddy.info", { account: whom.account, name: whom.name }).catch((error: unknown) => (asking.value = { kind: "failed", error }));
    return () => {
      clearTimeout(timer);
      leave(card.value);
    };
  }, []);
  const notice = notices.value.get(told.value.get(card.value) ?? "");
  const profile = notice?.profile;
  const write = () => {
    close();
    openBuddy(facts.buddy ?? { account: whom.account, name: whom.name }).catch((error: unknown) => toast(errorText(error)));
  };
  const add = () => {
    close();
    addBuddyDialog({ account: whom.account, name: whom.name, alias: facts.name === whom.name ? "" : facts.name });
  };
  const state = asking.value;
  const addable = able && !facts.buddy && !facts.rows.some(([label]) => label === p.inRoom);
  return (
    <Dialog title={p.card} testid="notice-userinfo" onClose={close}
      actions={
        <>
          <button type="button" onClick={close} data-testid="notice-close">{w.close}</button>
          {addable && <button type="button" onClick={add} data-testid="card-add">{p.add}</button>}
          <button type="button" class="primary" disabled={!able && !facts.talk} onClick={write} data-testid="card-write">{p.write}</button>
        </>
      }>
      <Face facts={facts} icon={profile?.picture} size={76} />
      <Rows facts={facts} />
      {profile ? <Entries profile={profile} />
        : notice ? <p class="lead small">{p.silent}</p>
        : state.kind === "asking" ? <p class="wait lead small" role="status"><i class="spinner" />{p.asking}</p>
        : state.kind === "failed" ? <Problem text={errorText(state.error)} />
        : <p class="lead small">{state.kind === "offline" ? p.offline : p.silent}</p>}
    </Dialog>
  );
}

export function personCard(whom: Whom): void {
  openDialog((close) => <PersonCard whom={whom} close={close} />);
}
