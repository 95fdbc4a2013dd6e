// "X wants to add you": allow or deny, and add them too; it must not decide.
import { useSignal } from "@preact/signals";
import { command } from "../../app/store";
import type { Authorization } from "../../wire/types";
import { errorText, w } from "../../words";
import { Avatar } from "../Avatar";
import { CheckField } from "../fields";
import { Problem } from "../front/problem";
import { Card } from "./Card";

export function AuthorizationCard({ id, authorization, at }: { id: string; authorization: Authorization; at: number }) {
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
    <Card id={id} testid="authorization" title={w.authorization.title(name)} account={authorization.account} at={at} answered={busy} mark={<Avatar name={name} of={authorization.from} size={40} />}
      actions={
        <>
          <button type="button" disabled={busy.value} data-testid="authorization-deny" onClick={() => answer(false)}>{w.authorization.deny}</button>
          <button type="button" class="primary" disabled={busy.value} data-testid="authorization-allow" onClick={() => answer(true)}>{w.authorization.allow}</button>
        </>
      }>
      {name !== authorization.from && <p class="lead small">{authorization.from}</p>}
      {authorization.message && <blockquote dir="auto">{authorization.message}</blockquote>}
      <p class="lead small">{w.authorization.lead}</p>
      {authorization.known !== true && <CheckField label={w.authorization.add} name="authorization-add" value={add.value} onInput={(on) => (add.value = on)} />}
      {error.value !== null && <Problem text={errorText(error.value)} />}
    </Card>
  );
}
