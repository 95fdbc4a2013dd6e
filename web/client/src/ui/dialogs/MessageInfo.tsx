// Shows the details of a message: writer, time, network and state. Does not change anything.
import { accounts, protocolOf } from "../../app/store";
import { w } from "../../words";
import { m } from "../../words/later";
import { Dialog, openDialog } from "../Dialog";
import { NetworkTile } from "../glyphs";
import { whenOf, type Said } from "../talk/said";

const s = m.message;

function Info({ said, close }: { said: Said; close(): void }) {
  const { talk, line, self } = said;
  const account = accounts.value.get(talk.account);
  const network = protocolOf(account?.protocol ?? "")?.name ?? "";
  const notes = [line?.delayed && s.delayed, line?.auto_reply && s.auto, line?.highlight && s.highlight, line?.unkept && s.unkept].filter(Boolean).join(" · ");
  const rows: [string, preact.ComponentChildren, string][] = [
    [s.from, self ? `${said.name} (${w.talk.you})` : said.name, "from"],
    [s.address, said.address === said.name ? "" : <span class="mono">{said.address}</span>, "address"],
    [s.when, <time dateTime={said.time}>{whenOf(said)}</time>, "when"],
    [self ? s.via : s.gotVia, s.viaAs(network, account?.username ?? ""), "via"],
    [s.state, [s.states[said.state] ?? said.state, notes].filter(Boolean).join(" · "), "state"],
  ];
  return (
    <Dialog title={s.infoTitle} testid="message-info-dialog" onClose={close} actions={<button type="button" class="primary" data-first onClick={close}>{w.close}</button>}>
      <blockquote class="info-said" dir="auto">{said.text.length > 400 ? `${said.text.slice(0, 400)}…` : said.text}</blockquote>
      <dl class="info">
        {rows.filter(([, value]) => value !== "").map(([name, value, key]) => (
          <div key={key}><dt>{name}</dt><dd data-testid={`info-${key}`}>{key === "via" && account && <NetworkTile protocol={account.protocol} size={22} />}{value}</dd></div>
        ))}
      </dl>
    </Dialog>
  );
}

export function messageInfo(said: Said): void {
  openDialog((close) => <Info said={said} close={close} />);
}
