// What asks for the user's password: another password, another recovery code, the end of all; it must not keep what is typed.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { deleteUser, recovery } from "../../app/session";
import { user } from "../../app/store";
import { changePassword, newRecovery } from "../../net";
import { w } from "../../words";
import { m } from "../../words/later";
import { Dialog, openDialog, toast } from "../Dialog";
import { TextField } from "../fields";
import { Failure, longEnough, problemAt, useSending } from "../front/siteForms";

const show = (code: string): void => void (recovery.value = { name: user.value?.name ?? "", code });

interface AskProps {
  title: string;
  lead: string;
  yes: string;
  testid: string;
  danger?: boolean;
  /** What else has to be filled in. */
  children?: ComponentChildren;
  ready?: boolean;
  /** The box of the password, as the server names it. */
  box: string;
  /** Other boxes of it. */
  boxes?: (sending: ReturnType<typeof useSending>) => ComponentChildren;
  send(password: string): Promise<void>;
  close(): void;
}

function Ask({ title, lead, yes, testid, danger, children, ready = true, box, boxes, send, close }: AskProps) {
  const password = useSignal("");
  const sending = useSending();
  const submit = () => {
    if (password.value !== "" && ready) sending.run(() => send(password.value).then(close), [box, "new"], { bad_credentials: m.mine.wrong });
  };
  return (
    <Dialog title={title} testid={testid} onClose={close} onSubmit={submit}
      actions={<><button type="button" onClick={close}>{w.cancel}</button><button type="submit" class={danger ? "primary danger" : "primary"} disabled={sending.busy.value || sending.wait > 0 || !ready || password.value === ""} data-testid={`${testid}-yes`}>{yes}</button></>}>
      <p class="lead">{lead}</p>
      {/* For password managers: whose it is. */}
      <input type="text" name="username" autocomplete="username" value={user.value?.name ?? ""} readOnly hidden />
      <TextField label={m.mine.old} name="own-password" masked value={password.value} error={problemAt(sending, box)} autocomplete="current-password" onInput={(text) => (password.value = text)} />
      {boxes?.(sending)}
      {children}
      <Failure sending={sending} />
    </Dialog>
  );
}

function Change({ close }: { close(): void }) {
  const fresh = useSignal("");
  const short = fresh.value !== "" && !longEnough(fresh.value);
  return (
    <Ask title={m.mine.changeTitle} lead={m.mine.changeLead} yes={w.save} testid="password-dialog" box="old" ready={fresh.value !== "" && !short} close={close}
      send={async (old) => {
        show((await changePassword(old, fresh.value)).recovery);
        toast(m.mine.changed);
      }}
      boxes={(sending) => <TextField label={w.front.newPassword} name="new-password" masked value={fresh.value} error={problemAt(sending, "new")} hint={w.front.passwordHint} autocomplete="new-password" onInput={(text) => (fresh.value = text)} />} />
  );
}

export function passwordDialog(): void {
  openDialog((close) => <Change close={close} />);
}

export function codeDialog(after: () => Promise<void>): void {
  openDialog((close) => (
    <Ask title={m.mine.newCodeTitle} lead={m.mine.newCodeLead} yes={m.mine.newCodeYes} testid="code-dialog" box="password" close={close}
      send={async (password) => {
        show((await newRecovery(password)).recovery);
        await after().catch(() => undefined);
      }} />
  ));
}

function Delete({ close }: { close(): void }) {
  const typed = useSignal("");
  const name = user.value?.name ?? "";
  return (
    <Ask title={m.mine.deleteTitle} lead={m.mine.deleteLead} yes={m.mine.deleteYes} testid="delete-dialog" danger box="password" ready={typed.value.trim().toLowerCase() === name.toLowerCase()} close={close} send={deleteUser}>
      <TextField label={m.mine.deleteType(name)} name="typed-name" value={typed.value} onInput={(text) => (typed.value = text)} />
    </Ask>
  );
}

export function deleteDialog(): void {
  openDialog((close) => <Delete close={close} />);
}
