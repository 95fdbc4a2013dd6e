// Where files are chosen, dropped and pasted to be sent; it must not move bytes, nor show any.
import { useRef } from "preact/hooks";
import { accounts } from "../../app/store";
import type { Talk } from "../../state/model";
import { w } from "../../words";
import { Icon } from "../icons";
import { sendFiles } from "../later";

/** Whether files can be sent in a conversation: with one person, where the network has them. */
export function takesFiles(talk: Talk): boolean {
  const features = accounts.value.get(talk.account)?.features ?? [];
  return features.includes("uploads") || (talk.kind === "im" && features.includes("files"));
}

/** Chooses files to send. */
export function Attach({ talk }: { talk: Talk }) {
  const input = useRef<HTMLInputElement>(null);
  if (!takesFiles(talk)) return null;
  return (
    <>
      <input ref={input} type="file" multiple hidden data-testid="file-input" onChange={(event) => {
        sendFiles(talk.id, [...(event.currentTarget.files ?? [])]);
        event.currentTarget.value = "";
      }} />
      <button type="button" class="tool" aria-label={w.file.attach} title={w.file.attach} data-testid="attach" onClick={() => input.current?.click()}><Icon name="clip" size={20} /></button>
    </>
  );
}

const filesIn = (data: DataTransfer | null): File[] => [...(data?.files ?? [])];

/** Handlers of files that are dropped on a conversation, or pasted into its box. */
export function fileDrop(talk: Talk) {
  const takes = (data: DataTransfer | null): boolean => takesFiles(talk) && (data?.types.includes("Files") ?? false);
  const mark = (event: DragEvent, on: boolean) => (event.currentTarget as HTMLElement).classList.toggle("drop-files", on);
  return {
    onDragOver: (event: DragEvent) => {
      if (!takes(event.dataTransfer)) return;
      event.preventDefault();
      mark(event, true);
    },
    onDragLeave: (event: DragEvent) => mark(event, false),
    onDrop: (event: DragEvent) => {
      mark(event, false);
      if (!takes(event.dataTransfer)) return;
      event.preventDefault();
      sendFiles(talk.id, filesIn(event.dataTransfer));
    },
    onPaste: (event: ClipboardEvent) => {
      const list = takes(event.clipboardData) ? filesIn(event.clipboardData) : [];
      if (list.length === 0) return;
      event.preventDefault();
      sendFiles(talk.id, list);
    },
  };
}
