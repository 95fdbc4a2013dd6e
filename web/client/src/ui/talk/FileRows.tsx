// The files of one conversation: offers, what is on its way, what came; it must not move bytes.
import type { Signal } from "@preact/signals";
import { computed, useSignal } from "@preact/signals";
import { acceptFile, cancelFile, dropUpload, forgetReceived, received, save, uploads, wanted, type Received, type Upload } from "../../app/files";
import { model } from "../../app/store";
import type { Talk } from "../../state/model";
import type { Transfer } from "../../wire/types";
import { bytes, errorText, w } from "../../words";
import { Icon } from "../icons";

const transfers = computed(() => [...(model.value?.transfers.values() ?? [])]);

function Bar({ done, size, label }: { done: number; size: number | null | undefined; label: string }) {
  return size ? <progress max={size} value={done} aria-label={label} /> : <progress aria-label={label} />;
}

function Shell({ name, words, testid, id, state, children, below }: { name: string; words: string; testid: string; id: string; state: string; children?: preact.ComponentChildren; below?: preact.ComponentChildren }) {
  return (
    <li class="file" data-testid={testid} data-id={id} data-state={state}>
      <Icon name="file" size={20} />
      <span class="file-text"><b title={name} dir="auto">{name}</b><small>{words}</small></span>
      {children}
      {below}
    </li>
  );
}

function OnItsWay({ transfer }: { transfer: Transfer }) {
  const { id, name, size, done, state, direction } = transfer;
  const incoming = direction === "in";
  const asked = incoming && state === "offered" && !wanted.value.includes(id);
  const total = size == null ? "" : bytes(size);
  const words = state === "running" && size ? w.file.of(bytes(done), total) : [total, incoming ? (asked ? w.file.offered : w.file.waiting) : w.file.sentOffer].filter(Boolean).join(" · ");
  return (
    <Shell name={name} words={words} testid="transfer" id={id} state={state} below={state === "running" && <Bar done={done} size={size} label={w.file.progress(name)} />}>
      {asked && <button type="button" class="soft" data-testid="file-accept" onClick={() => acceptFile(id)}>{w.file.accept}</button>}
      <button type="button" class={asked ? "text-link" : "tool"} aria-label={asked ? w.file.declineOne(name) : w.file.cancelOne(name)} title={asked ? w.file.decline : w.cancel} data-testid={asked ? "file-decline" : "file-cancel"} onClick={() => cancelFile(id)}>
        {asked ? w.file.decline : <Icon name="close" size={16} />}
      </button>
    </Shell>
  );
}

function Waiting({ upload }: { upload: Upload }) {
  const { id, name, size, sent, state } = upload;
  const words = state === "failed" ? errorText(upload.error) : state === "waiting" ? w.file.waiting : w.file.of(bytes(sent), bytes(size));
  return (
    <Shell name={name} words={words} testid="upload" id={String(id)} state={state} below={state === "uploading" && <Bar done={sent} size={size} label={w.file.progress(name)} />}>
      <button type="button" class="tool" aria-label={w.file.cancelOne(name)} title={w.cancel} data-testid="file-cancel" onClick={() => dropUpload(id)}><Icon name="close" size={16} /></button>
    </Shell>
  );
}

function Came({ one, broken }: { one: Received; broken: Signal<boolean> }) {
  const { transfer, picture, state } = one;
  const shown = picture && !broken.value;
  return (
    <Shell name={transfer.name} words={w.file.ends[state] ?? state} testid="received" id={transfer.id} state={state}
      below={shown && <span class="file-shown"><img src={picture} alt={transfer.name} data-testid="file-picture" onError={() => (broken.value = true)} /></span>}>
      {picture && <button type="button" class="soft" data-testid="file-save" onClick={() => save(picture, transfer.name)}>{w.save}</button>}
      <button type="button" class="tool" aria-label={w.file.dismiss(transfer.name)} title={w.close} onClick={() => forgetReceived(transfer.id)}><Icon name="close" size={16} /></button>
    </Shell>
  );
}

function CameRow({ one }: { one: Received }) {
  return <Came one={one} broken={useSignal(false)} />;
}

/** The list above the box one writes in; nothing where there are none. */
export function Files({ talk }: { talk: Talk }) {
  const moving = transfers.value.filter((one) => one.conversation === talk.id);
  const own = uploads.value.filter((one) => one.conversation === talk.id);
  const came = received.value.filter((one) => one.transfer.conversation === talk.id);
  if (moving.length + own.length + came.length === 0) return null;
  return (
    <ul class="files" aria-label={w.file.list} data-testid="files">
      {came.map((one) => <CameRow key={one.transfer.id} one={one} />)}
      {moving.map((one) => <OnItsWay key={one.id} transfer={one} />)}
      {own.map((one) => <Waiting key={one.id} upload={one} />)}
    </ul>
  );
}
