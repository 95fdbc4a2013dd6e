// The rows of a conversation: bubbles with a person, lines in a room, days, words of the network, gaps; it must not scroll, nor send anything but a retry.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { serverNow } from "../../app/clock";
import { prefs } from "../../app/prefs";
import { discardOutgoing, isSettled, linkState, sendAgain, sendMessage, settle, takeBack, takeBackOutgoing, user } from "../../app/store";
import { putBack } from "../../app/windows";
import type { LogItem } from "../../state/log";
import type { Line } from "../../state/model";
import { ACTION, bigEmoji } from "../../state/messages";
import { toneOf } from "../../state/names";
import type { Message, Span } from "../../wire/types";
import { clock, dayName, errorText, fullTime, moment, w } from "../../words";
import { Icon } from "../icons";
import { parts } from "../later";
import { memo } from "../memo";
import { Spans } from "./Spans";

const isAction = (text: string): boolean => text.startsWith(ACTION);

function Said({ message }: { message: Message }) {
  const [first, ...rest] = message.spans ?? [{ text: message.text }];
  if (!first || !isAction(first.text)) return <Text spans={message.spans} text={message.text} />;
  return <i><Nick name={nameOf(message)} of={message.from?.name ?? ""} /> <Text spans={[{ ...first, text: first.text.slice(ACTION.length) }, ...rest]} text={message.text} /></i>;
}

/** With its marks drawn, once the part of the page that can is there. */
function Text({ spans, text }: { spans?: Span[] | undefined; text: string }) {
  const Marked = /[*_~`]|^>/m.test(text) && prefs.marks.value && parts.value?.Marked;
  return Marked ? <Marked spans={spans} text={text} /> : <Spans spans={spans} text={text} />;
}

const nameOf = (message: Message): string => message.from?.alias || message.from?.name || "";

function Nick({ name, of }: { name: string; of: string }) {
  return <b class={`nick nick-${toneOf(of)}`} dir="auto">{name}</b>;
}

/** Not sent, or nobody knows whether it was: its writer decides, and nothing is sent twice by itself. */
function Doubt({ message, talk }: { message: Line; talk: string }) {
  // A guest's is only marked; a user's is the daemon's to take away.
  const kept = user.value?.guest === false;
  const why = message.error && message.state === "failed" ? <span data-testid="message-error" dir="auto">{message.error}</span> : null;
  if (!kept && (message.state !== "unknown" || isSettled(talk, message.id))) return why && <div class="after">{why}</div>;
  return (
    <div class="after">
      {why}
      <button type="button" class="text-link" data-testid="message-retry" onClick={() => sendAgain(talk, message)}>{w.talk.sendAgain}</button>
      {kept
        ? <button type="button" class="text-link" data-testid="message-discard" onClick={() => takeBack(talk, message.id)}>{w.talk.delete}</button>
        : <button type="button" class="text-link" data-testid="message-discard" onClick={() => settle(talk, message.id)}>{w.talk.leaveIt}</button>}
    </div>
  );
}

/** It waits with the daemon until its account is signed on. */
function Wait({ message, talk }: { message: Line; talk: string }) {
  return (
    <div class="after quiet">
      <button type="button" class="text-link" data-testid="message-cancel" onClick={() => takeBack(talk, message.id)}>{w.talk.cancelWaiting}</button>
    </div>
  );
}

interface Body {
  room: boolean;
  /** The writer; in a room it shows, else only those hear it who cannot see on which side it stands. */
  who: ComponentChildren;
  text: string;
  children: ComponentChildren;
}

/** A message: in a bubble, or after the writer's name in a line. */
function Body({ room, who, text, children }: Body) {
  const big = prefs.big_emoji.value && bigEmoji(text) ? " emoji" : "";
  const said = <span class={`said${big}`} dir="auto" data-testid="message-text">{children}</span>;
  if (room) return <>{who}{said}</>;
  return <>{who}<div class={`bubble${big}`}>{said}</div></>;
}

/** For those who hear the page. */
const Spoken = ({ who }: { who: string }) => <span class="sr">{who}: </span>;

interface MessageProps {
  message: Line;
  talk: string;
  first: boolean;
  last: boolean;
  room: boolean;
  /** The writer's name in a one-to-one conversation. */
  title: string;
}

const MessageRow = memo(function MessageRow({ message, talk, first, last, room, title }: MessageProps) {
  const self = message.from?.self === true;
  const state = message.state ?? (self ? "sent" : "received");
  const waits = self && state === "pending";
  const marks = [message.delayed && !room && first && w.talk.delayed, message.auto_reply && w.talk.auto, waits && w.talk.waiting, state === "failed" && w.talk.failed, state === "unknown" && w.talk.unknown, message.unkept && w.talk.notKept].filter(Boolean).join(" · ");
  const classes = ["row", self ? "mine" : "theirs", first && "first", last && "last", message.highlight && "highlight", state === "pending" && "pending", state === "failed" && "failed", state === "unknown" && "doubtful"].filter(Boolean).join(" ");
  // An action names its actor in the text.
  const who = !room ? <Spoken who={self ? w.talk.you : title} /> : isAction(message.text) ? null : <><Nick name={nameOf(message)} of={message.from?.name ?? ""} /><span class="sr">: </span></>;
  return (
    <div class={classes} data-testid="message" data-state={state} data-self={self} data-id={message.id} data-kept={message.unkept ? false : undefined} data-row={message.id}>
      <Body room={room} who={who} text={message.text}><Said message={message} /></Body>
      <span class="meta" title={waits ? w.talk.waitingTitle : message.unkept ? w.talk.notKeptTitle : undefined}>
        {waits && <Icon name="clock" size={11} />}{marks && <span>{marks}</span>}
        {message.edited_at && <span title={w.talk.editedAt(fullTime(message.edited_at))} data-testid="edited">{w.talk.edited}</span>}
        {state === "delivered" && <span title={w.talk.deliveredTitle} data-testid="delivered"><Icon name="check" size={11} /><span class="sr">{w.talk.delivered}</span></span>}
        <time dateTime={message.time} title={fullTime(message.time)}>{clock(message.time)}</time>
      </span>
      {self && (state === "unknown" || state === "failed") && <Doubt message={message} talk={talk} />}
      {waits && user.value?.guest === false && <Wait message={message} talk={talk} />}
    </div>
  );
});

function Out({ item, room, nick }: { item: Extract<LogItem, { kind: "outgoing" }>; room: boolean; nick: string }) {
  const { out } = item;
  const again = () => {
    discardOutgoing(out.conversation, out.command);
    sendMessage(out.conversation, out.text, out.spans);
  };
  const edit = () => {
    discardOutgoing(out.conversation, out.command);
    putBack.value = { conversation: out.conversation, text: out.text };
  };
  const bad = out.state !== "pending";
  const waits = !bad && !out.tried && linkState.value.kind !== "live";
  return (
    <div class={`row mine ${item.first ? "first" : ""} ${item.last ? "last" : ""} ${out.state === "pending" ? "pending" : out.state === "unknown" ? "doubtful" : "failed"}`} data-testid="message" data-state={out.state} data-self="true" data-row={item.key}>
      <Body room={room} who={room ? <Nick name={nick} of={nick} /> : <Spoken who={w.talk.you} />} text={out.text}><Text text={out.text} /></Body>
      <span class="meta">{waits && <Icon name="clock" size={11} />}<span>{waits ? w.talk.waiting : out.state === "pending" ? w.talk.sending : out.state === "unknown" ? w.talk.unknown : w.talk.failed}</span></span>
      {waits && <div class="after quiet"><button type="button" class="text-link" data-testid="message-cancel" onClick={() => takeBackOutgoing(out.conversation, out.command)}>{w.talk.cancelWaiting}</button></div>}
      {bad && (
        <div class="after">
          {out.error && out.state === "failed" && <span>{errorText(out.error)}</span>}
          <button type="button" class="text-link" data-testid="message-retry" onClick={again}>{out.state === "unknown" ? w.talk.sendAgain : w.talk.again}</button>
          {out.state === "failed" && <button type="button" class="text-link" data-testid="message-edit" onClick={edit}>{w.talk.edit}</button>}
          <button type="button" class="text-link" data-testid="message-discard" onClick={() => discardOutgoing(out.conversation, out.command)}>{w.talk.discard}</button>
        </div>
      )}
    </div>
  );
}

function SystemLine({ item }: { item: Extract<LogItem, { kind: "system" }> }) {
  const open = useSignal(false);
  const { topic } = item.message;
  if (item.count === 1 && !topic) return <p class={item.message.state === "failed" ? "line bad" : "line"} data-testid="system" data-row={item.key}><Spans spans={item.message.spans} text={item.message.text} /></p>;
  return (
    <div class="line" data-testid={topic ? "topic-line" : "system"} data-row={item.key}>
      <button type="button" class="text-link quiet" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>{topic ? w.talk.topicLines(item.count) : w.talk.joined(item.count)}</button>
      {open.value && item.texts.map((text, at) => <p key={at}>{text}</p>)}
    </div>
  );
}

/** Messages may be missing here: it is said from when to when, and why. */
function Gap({ item }: { item: Extract<LogItem, { kind: "gap" }> }) {
  const now = serverNow();
  const [why, ...others] = item.why;
  const words = others.length === 0 && why ? (w.talk.gapWhy[why] ?? w.talk.gapWhys) : w.talk.gapWhys;
  return (
    <p class="line gap" data-testid="gap" data-why={item.why.join(" ")} data-row={item.key}>
      <span><Icon name="warn" size={13} />{w.talk.gap(moment(item.from, now), item.to === null ? null : moment(item.to, now), words)}{w.talk.gapMissing}</span>
    </p>
  );
}

interface RowProps {
  item: LogItem;
  talk: string;
  room: boolean;
  title: string;
  /** The user's name in a room. */
  nick: string;
}

export function Row({ item, talk, room, title, nick }: RowProps) {
  switch (item.kind) {
    case "day":
      return <p class="line day" data-row={item.key}><span>{dayName(item.time, serverNow())}</span></p>;
    case "unread":
      return <p class="line new" data-testid="unread-line" data-row={item.key}><span>{w.talk.newLine}</span></p>;
    case "gap":
      return <Gap item={item} />;
    case "system":
      return <SystemLine item={item} />;
    case "message":
      return <MessageRow message={item.message} talk={talk} first={item.first} last={item.last} room={room} title={title} />;
    case "outgoing":
      return <Out item={item} room={room} nick={nick} />;
  }
}
