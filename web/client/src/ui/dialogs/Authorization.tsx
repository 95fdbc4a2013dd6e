// "X wants to add you": allow or deny, and add them too; it must not decide.
import { useSignal } from "@preact/signals";
import { command } from "../../app/store";
import type { Authorization } from "../../wire/types";
import { errorText, w } from "../../words";
import { Avatar } from "../Avatar";
import { Dialog } from "../Dialog";
import { CheckField } from "../fields";
import { Problem } from "../front/Front";
import { accountLine } from "./Prompts";

export function AuthorizationDialog({ authorization, onLater }: { authorization: Authorization; onLater(): void }) {
  const add = useSignal(authorization.known !== true);
  const busy = useSignal(false);
  const error = useSignal<unknown>(null);
  const name = authorization.alias || authorization.from;
  const answer = (allow: boolean) => {
    if (busy.value) return;
    busy.value = true;
    command("authorization.answer", { authorization: authorization.id, allow, add: allow && add.value && authorization.known !== true }).catch((cause: unknown) => {
      error.value = cause;
      busy.value = false;
    });
  };
  return (
    <Dialog title={w.authorization.title(name)} testid="authorization" onClose={onLater} onSubmit={() => answer(true)}
      actions={<><button type="button" class="quiet" onClick={onLater}>{w.later}</button><span class="stretch" /><button type="button" disabled={busy.value} data-testid="authorization-deny" onClick={() => answer(false)}>{w.authorization.deny}</button><button type="submit" class="primary" disabled={busy.value} data-testid="authorization-allow">{w.authorization.allow}</button></>}>
      <div class="person-card"><Avatar name={name} size={48} /><div><b>{name}</b><small>{authorization.from}</small><small>{accountLine(authorization.account)}</small></div></div>
      {authorization.message && <blockquote>{authorization.message}</blockquote>}
      <p class="lead">{w.authorization.lead}</p>
      {authorization.known !== true && <CheckField label={w.authorization.add} name="authorization-add" value={add.value} onInput={(on) => (add.value = on)} />}
      {error.value !== null && <Problem text={errorText(error.value)} />}
    </Dialog>
  );
}
