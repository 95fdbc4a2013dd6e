// Questions and notices from the networks: one modal dialog at a time, the rest wait behind a pill; it must not answer by itself.
import { computed, signal } from "@preact/signals";
import { accounts, authorizations, invitations, notices, requests, update } from "../../app/store";
import { dropInvitation } from "../../state/reduce";
import { w } from "../../words";
import { Dialog } from "../Dialog";
import { Icon } from "../icons";
import { AuthorizationDialog } from "./Authorization";
import { joinDialog } from "./Join";
import { NoticeDialog } from "./Notice";
import { RequestDialog } from "./Request";

/** Put off by the reader: still open, but not in the way. */
const later = signal<ReadonlySet<string>>(new Set());

interface Prompt { key: string; kind: "request" | "authorization" | "notice" | "invitation"; id: string }

const prompts = computed<Prompt[]>(() => [
  ...[...requests.value.keys()].map((id): Prompt => ({ key: `request ${id}`, kind: "request", id })),
  ...[...authorizations.value.keys()].map((id): Prompt => ({ key: `authorization ${id}`, kind: "authorization", id })),
  ...[...invitations.value.keys()].map((id): Prompt => ({ key: `invitation ${id}`, kind: "invitation", id })),
  ...[...notices.value.values()].filter((one) => one.kind !== "mail").map((one): Prompt => ({ key: `notice ${one.id}`, kind: "notice", id: one.id })),
]);

const waiting = computed(() => prompts.value.filter((one) => later.value.has(one.key)).length);

export function PromptPill() {
  if (waiting.value === 0) return null;
  return <button type="button" class="pill alert" data-testid="prompts-waiting" onClick={() => (later.value = new Set())}><Icon name="help" size={14} />{w.request.waiting(waiting.value)}</button>;
}

export function accountLine(id: string | null | undefined): string {
  const account = id ? accounts.value.get(id) : undefined;
  return account && accounts.value.size > 1 ? w.request.from(account.username) : "";
}

function InvitationDialog({ id, onLater }: { id: string; onLater(): void }) {
  const invitation = invitations.value.get(id);
  if (!invitation) return null;
  const done = () => update((old) => dropInvitation(old, id));
  const join = () => {
    done();
    joinDialog(invitation.account || undefined, invitation.fields ?? roomGiven(invitation.account, invitation.room));
  };
  return (
    <Dialog title={w.room.invited(invitation.from, invitation.room)} testid="invitation" onClose={onLater} onSubmit={join} actions={<><button type="button" onClick={done}>{w.room.decline}</button><button type="submit" class="primary">{w.room.join}</button></>}>
      <p>{invitation.message || accountLine(invitation.account) || invitation.room}</p>
    </Dialog>
  );
}

function roomGiven(_account: string, room: string): Record<string, unknown> {
  return { channel: room, room };
}

export function Prompts() {
  const current = prompts.value.find((one) => !later.value.has(one.key));
  if (!current) return null;
  const onLater = () => (later.value = new Set(later.value).add(current.key));
  switch (current.kind) {
    case "request": {
      const request = requests.value.get(current.id);
      return request ? <RequestDialog key={current.key} request={request} onLater={onLater} /> : null;
    }
    case "authorization": {
      const authorization = authorizations.value.get(current.id);
      return authorization ? <AuthorizationDialog key={current.key} authorization={authorization} onLater={onLater} /> : null;
    }
    case "invitation":
      return <InvitationDialog key={current.key} id={current.id} onLater={onLater} />;
    case "notice": {
      const notice = notices.value.get(current.id);
      return notice ? <NoticeDialog key={current.key} notice={notice} /> : null;
    }
  }
}
