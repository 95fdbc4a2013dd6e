// A hit of a search as a row: where, who, when, and the text around what was looked for; it must not act.
import { serverNow } from "../../app/clock";
import { accounts, buddies, protocolOf, talks } from "../../app/store";
import { ACTION } from "../../state/messages";
import { snippet, type Piece } from "../../state/hits";
import { talkTitle } from "../../state/names";
import type { Hit as SearchHit } from "../../wire/types";
import { fullTime, when } from "../../words";
import { m } from "../../words/later";
import { Avatar } from "../Avatar";
import { NetworkMark } from "../glyphs";
import { severalNetworks } from "../list/rows";

export function Marked({ pieces }: { pieces: readonly Piece[] }) {
  return <>{pieces.map((piece, at) => (piece.hit ? <mark key={at}>{piece.text}</mark> : piece.text))}</>;
}

/** The conversation of a hit as it is called here; one that is closed by what the daemon knows of it. */
export function placeOf(hit: SearchHit): { title: string; room: boolean; name: string } {
  const talk = talks.value.get(hit.conversation);
  if (talk) return { title: talk.title, room: talk.kind === "room", name: talk.name };
  return { title: talkTitle(hit), room: hit.kind === "room", name: hit.name };
}

const writer = ({ message: { from } }: SearchHit): string => (from.self ? m.search.you : from.alias || from.name);

/** "/me waves" is shown as "waves". */
function told(pieces: readonly Piece[]): { pieces: readonly Piece[]; act: boolean } {
  const [first, ...rest] = pieces;
  if (!first || first.hit || !first.text.startsWith(ACTION)) return { pieces, act: false };
  return { pieces: [{ ...first, text: first.text.slice(ACTION.length) }, ...rest], act: true };
}

export function Hit({ hit, fresh }: { hit: SearchHit; fresh: boolean }) {
  const { title, room, name } = placeOf(hit);
  const buddy = talks.value.get(hit.conversation)?.buddy;
  const icon = buddy ? buddies.value.get(buddy)?.icon : undefined;
  const protocol = accounts.value.get(hit.account)?.protocol ?? "";
  const self = hit.message.from.self;
  const { pieces, act } = told(snippet(hit.message.text, hit.ranges as [number, number][]));
  return (
    <>
      <Avatar name={title} of={name} icon={icon} room={room} size={36} />
      <span class="two">
        <span class="found-head">
          <b dir="auto">{title}</b>
          {(room || self) && <span class="found-who" dir="auto">{writer(hit)}</span>}
          {severalNetworks.value && <NetworkMark protocol={protocol} title={protocolOf(protocol)?.name ?? protocol} />}
          {fresh && <span class="found-new">{m.search.fresh}</span>}
          <time dateTime={hit.message.time} title={fullTime(hit.message.time)}>{when(hit.message.time, serverNow())}</time>
        </span>
        <span class={act ? "found-text act" : "found-text"} dir="auto"><Marked pieces={pieces} /></span>
      </span>
    </>
  );
}
