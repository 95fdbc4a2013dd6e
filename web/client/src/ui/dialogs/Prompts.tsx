// Questions and notices from the networks: one modal dialog at a time, the rest wait behind a pill; it must not answer by itself.
import { computed, signal } from "@preact/signals";
import { accounts, authorizations, notices, requests } from "../../app/store";
import { w } from "../../words";
import { Icon } from "../icons";
import { AuthorizationDialog } from "./Authorization";
import { NoticeDialog } from "./Notice";
import { RequestDialog } from "./Request";

/** Put off by the reader: still open, but not in the way. */
const later = signal<ReadonlySet<string>>(new Set());

interface Prompt { key: string; kind: "request" | "authorization" | "notice"; id: string }

const prompts = computed<Prompt[]>(() => [
  ...[...requests.value.keys()].map((id): Prompt => ({ key: `request ${id}`, kind: "request", id })),
  ...[...authorizations.value.keys()].map((id): Prompt => ({ key: `authorization ${id}`, kind: "authorization", id })),
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
    case "notice": {
      const notice = notices.value.get(current.id);
      return notice ? <NoticeDialog key={current.key} notice={notice} /> : null;
    }
  }
}
