// Asks how a text of many lines goes: where each line is a message, it would flood a channel. Does not send (see ../talk/box.ts).
import { sendFiles } from "../../app/files";
import { accounts, protocolOf } from "../../app/store";
import type { Talk } from "../../state/model";
import { asBlock, asOneLine, isMany, linesIn } from "../../state/paste";
import { w } from "../../words";
import { m } from "../../words/later";
import { Dialog, openDialog } from "../Dialog";
import { rewrite } from "../talk/box";
import { takesFiles } from "../talk/Files";
import { isOfLines } from "../talk/formatting";

const s = m.message;

/** The number of lines that the user agreed to send as messages, by conversation. */
const agreed = new Map<string, number>();

/** Lines of the text that the dialog shows. */
const SHOWN = 8;

interface Way { words: string; testid: string; run(): void }

function Ask({ title, lead, text, ways, close }: { title: string; lead: string; text: string; ways: readonly Way[]; close(): void }) {
  const lines = text.replace(/\s+$/, "").split(/\r?\n/);
  const take = (way: Way) => {
    close();
    way.run();
  };
  return (
    <Dialog title={title} testid="paste-dialog" wide onClose={close}
      actions={
        <>
          <button type="button" onClick={close}>{w.cancel}</button>
          <span class="stretch" />
          {ways.map((way, at) => <button key={way.testid} type="button" class={at === ways.length - 1 ? "primary" : ""} data-first={at === ways.length - 1 || undefined} data-testid={way.testid} onClick={() => take(way)}>{way.words}</button>)}
        </>
      }>
      <p>{lead}</p>
      <code class="sp-block" dir="auto">{lines.slice(0, SHOWN).join("\n")}{lines.length > SHOWN && "\n…"}</code>
    </Dialog>
  );
}

const networkOf = (talk: Talk): string => protocolOf(accounts.value.get(talk.account)?.protocol ?? "")?.name ?? "";

/** Asks how a pasted text goes into the box. `put` gets the text, or a function that makes it of the text in front of the caret. */
export function pasteDialog(talk: Talk, text: string, put: (made: string, before?: (text: string) => string) => void): void {
  const plain = text.replaceAll("\r\n", "\n");
  const lines = linesIn(plain);
  const ways: Way[] = [];
  if (takesFiles(talk)) ways.push({ words: s.asFile, testid: "paste-file", run: () => sendFiles(talk.id, [new File([plain], s.fileName, { type: "text/plain" })]) });
  if (isOfLines(talk)) {
    const asMessages = () => {
      agreed.set(talk.id, lines.length);
      put(lines.join("\n"));
    };
    ways.push({ words: s.asMessages(lines.length), testid: "paste-lines", run: asMessages }, { words: s.asLine, testid: "paste-line", run: () => put(asOneLine(plain)) });
  } else {
    ways.push({ words: s.asCode, testid: "paste-code", run: () => put("", (before) => asBlock(plain, before)) }, { words: s.asText, testid: "paste-text", run: () => put(plain.replace(/\n+$/, "")) });
  }
  const lead = isOfLines(talk) ? s.pasteLines(networkOf(talk)) : s.pasteLead;
  openDialog((close) => <Ask title={s.pasteTitle(plain.replace(/\n+$/, "").split("\n").length)} lead={lead} text={plain} ways={ways} close={close} />);
}

/** Asks before a text goes as many messages to which the user has not agreed. True: the dialog is open, and nothing is sent yet. */
export function asksFirst(talk: Talk, text: string, send: () => void): boolean {
  const count = linesIn(text).length;
  if (!isOfLines(talk) || !isMany(text, true) || (text.startsWith("/") && !/^\/(me\s|\/)/.test(text))) return false;
  const known = agreed.get(talk.id) ?? 0;
  agreed.delete(talk.id);
  // The draft may have had one line beside the agreed ones.
  if (count <= known + 1) return false;
  const go = () => {
    agreed.set(talk.id, count);
    send();
  };
  const ways: Way[] = [{ words: s.asMessages(count), testid: "paste-lines", run: go }, { words: s.asLine, testid: "paste-line", run: () => rewrite(talk.id, asOneLine) }];
  openDialog((close) => <Ask title={s.sendTitle(count)} lead={s.pasteLines(networkOf(talk))} text={text} ways={ways} close={close} />);
  return true;
}
