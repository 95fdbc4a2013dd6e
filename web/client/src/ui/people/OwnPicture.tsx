// Sets the user's own picture: chosen, dropped or pasted, cut to a square, and given to each account in a format that its network takes. Does not keep the file.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { accounts, command, protocolOf } from "../../app/store";
import { upload } from "../../net";
import { centred, type Crop as Part } from "../../state/icon";
import type { Account, IconSpec } from "../../wire/types";
import { errorText, w } from "../../words";
import { m } from "../../words/later";
import { addressOf } from "../accountState";
import { Avatar } from "../Avatar";
import { Dialog, openDialog, toast } from "../Dialog";
import { CheckField } from "../fields";
import { Problem } from "../front/problem";
import { Icon } from "../icons";
import { ownName } from "../../state/names";
import { Crop } from "./Crop";
import { PictureError, read, write } from "./draw";

const p = m.people;

const specOf = (account: Account): IconSpec | null => protocolOf(account.protocol)?.icon_spec ?? null;
/** Accounts that can have a picture now. */
export const takers = (): Account[] => [...accounts.value.values()].filter((one) => one.state === "online" && specOf(one) !== null);

function words(error: unknown, account?: Account): string {
  if (!(error instanceof PictureError)) return errorText(error);
  const network = protocolOf(account?.protocol ?? "")?.name ?? account?.protocol ?? "";
  return { none: p.noPicture, large: p.tooLarge, way: p.noWay(network) }[error.why];
}

/** A picture in what was dropped or pasted. */
const pictureIn = (data: DataTransfer | null): File | undefined => [...(data?.files ?? [])].find((file) => file.type.startsWith("image/")) ?? data?.files[0];

/** Sets the picture on each account, one after the other; null removes it. No more accounts follow once `over` is true. */
async function setOn(all: readonly Account[], picture: { bitmap: ImageBitmap; crop: Part } | null, over: () => boolean): Promise<void> {
  const made = new Map<string, File>();
  for (const account of all) {
    if (over()) return;
    if (!picture) {
      await command("account.icon", { account: account.id });
      continue;
    }
    const spec = specOf(account);
    if (!spec) continue;
    const key = JSON.stringify(spec);
    const file = made.get(key) ?? (await write(picture.bitmap, picture.crop, spec).catch((error: unknown) => { throw new Error(words(error, account)); }));
    made.set(key, file);
    if (over()) return;
    const done = await upload(file);
    if (over()) return;
    await command("account.icon", { account: account.id, upload: done.upload });
  }
}

function OwnPicture({ first, close }: { first: string | undefined; close(): void }) {
  const all = takers();
  const chosen = useSignal<ReadonlySet<string>>(new Set(first ? [first] : all.map((one) => one.id)));
  const picture = useSignal<{ bitmap: ImageBitmap; crop: Part } | null>(null);
  const problem = useSignal<string | null>(null);
  const busy = useSignal(false);
  const over = useSignal(false);
  const input = useRef<HTMLInputElement>(null);
  const gone = useRef(false);
  useEffect(() => () => { gone.current = true; }, []);
  const take = (file: File | undefined) => {
    if (!file) return;
    problem.value = null;
    read(file).then(
      (bitmap) => (picture.value = { bitmap, crop: centred(bitmap) }),
      (error: unknown) => (problem.value = words(error)),
    );
  };
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const file = pictureIn(event.clipboardData);
      if (!file) return;
      event.preventDefault();
      take(file);
    };
    addEventListener("paste", paste);
    return () => removeEventListener("paste", paste);
  }, []);
  const targets = all.filter((one) => chosen.value.has(one.id));
  const run = (which: typeof picture.value, done: string) => {
    if (busy.value || targets.length === 0) return;
    busy.value = true;
    problem.value = null;
    setOn(targets, which, () => gone.current).then(
      () => { if (!gone.current) { close(); toast(done); } },
      (error: unknown) => { problem.value = words(error); busy.value = false; },
    );
  };
  const now = picture.value;
  const current = targets.find((one) => one.icon) ?? targets[0];
  return (
    <Dialog title={p.ownTitle} testid="icon-dialog" wide onClose={close} onSubmit={() => { if (now) run(now, p.set); }}
      actions={
        <>
          {targets.some((one) => one.icon) && !now && <button type="button" class="quiet" disabled={busy.value} data-testid="icon-remove" onClick={() => run(null, p.removed)}>{p.takeAway}</button>}
          <span class="stretch" />
          <button type="button" onClick={close}>{w.cancel}</button>
          <button type="submit" class="primary" disabled={!now || busy.value || targets.length === 0} data-testid="icon-save">{busy.value && <i class="spinner" />}{p.use}</button>
        </>
      }>
      <p class="lead">{all.length > 0 ? p.ownLead : p.noneTakes}</p>
      {all.length > 0 && (
        <div class={over.value ? "icon-drop over" : "icon-drop"} data-testid="icon-drop"
          onDragOver={(event) => { event.preventDefault(); over.value = true; }}
          onDragLeave={() => (over.value = false)}
          onDrop={(event) => { event.preventDefault(); event.stopPropagation(); over.value = false; take(pictureIn(event.dataTransfer)); }}>
          {now ? <Crop picture={now.bitmap} crop={now.crop} onChange={(crop) => (picture.value = { ...now, crop })} />
            : <Avatar name={current ? ownName(current) : "?"} of={current?.username} icon={current?.icon} size={96} />}
          <input ref={input} type="file" accept="image/*" hidden data-testid="icon-file" onChange={(event) => { take(event.currentTarget.files?.[0]); event.currentTarget.value = ""; }} />
          <button type="button" class="soft" data-testid="icon-choose" onClick={() => input.current?.click()}><Icon name="picture" size={16} />{now ? p.another : p.choose}</button>
        </div>
      )}
      {all.length > 1 && (
        <fieldset class="checks">
          <legend>{p.onAccounts}</legend>
          {all.map((one) => (
            <CheckField key={one.id} label={`${addressOf(one)} (${protocolOf(one.protocol)?.name ?? one.protocol})`} name={`icon-${one.username}`} value={chosen.value.has(one.id)}
              onInput={(on) => { const next = new Set(chosen.value); if (on) next.add(one.id); else next.delete(one.id); chosen.value = next; }} />
          ))}
        </fieldset>
      )}
      {problem.value !== null && <Problem text={problem.value} />}
    </Dialog>
  );
}

/** `first`: the account that is chosen at first; all accounts, unless given. */
export function ownPictureDialog(first?: string): void {
  openDialog((close) => <OwnPicture first={first} close={close} />);
}
