// The dock below the desk: a tile for each conversation, a button for those that find no room; it must not know where windows are.
import { newsOf } from "../../app/mutes";
import { talks } from "../../app/store";
import { active, area, isHidden, minimise, show, shown, type Win } from "../../app/windows";
import { dockRoom, tileWidth } from "../../state/desk";
import type { Talk } from "../../state/model";
import { w } from "../../words";
import { Icon } from "../icons";
import { TalkCount } from "../list/rows";
import { openMenu } from "../Menu";
import { MuteMark } from "../mute";
import { TalkAvatar } from "../talk/TalkAvatar";
import { openTalkMenu } from "../talk/talkMenu";

interface Entry { win: Win; talk: Talk }

function entries(): Entry[] {
  return shown.value.flatMap((win): Entry[] => {
    const talk = talks.value.get(win.id);
    return talk ? [{ win, talk }] : [];
  });
}

/** Those with room in the dock: what is in front, then what has news, then what was used last. Each stays in its place among the others. */
function fitting(all: readonly Entry[], width: number): Set<Entry> {
  const weight = ({ win, talk }: Entry): number => (active.value === win.id ? 2 : newsOf(talk) > 0 ? 1 : 0);
  const order = [...all].sort((a, b) => weight(b) - weight(a) || b.win.z - a.win.z);
  return new Set(order.slice(0, dockRoom(order.map(({ talk }) => tileWidth(talk.title, talk.unread > 0)), width)));
}

function Tile({ win, talk }: Entry) {
  const hidden = isHidden(win.id);
  const front = active.value === win.id && !hidden;
  return (
    <button type="button" class={`dock-tile ${hidden ? "" : "open"} ${front ? "front-most" : ""} ${newsOf(talk) > 0 ? "news" : ""}`} title={talk.name} aria-current={front} data-testid="dock-tile" data-name={talk.name} onClick={() => (front ? minimise(win.id) : show(win.id))} onContextMenu={(event) => openTalkMenu(event, talk)}>
      <TalkAvatar talk={talk} size={28} />
      <span class="dock-name" dir="auto">{talk.title}</span>
      <MuteMark talk={talk} />
      <TalkCount talk={talk} />
    </button>
  );
}

/** Those without room, with how many they are and how much is new in them. */
function Rest({ list }: { list: readonly Entry[] }) {
  const unread = list.reduce((sum, { talk }) => sum + newsOf(talk), 0);
  const open = (event: MouseEvent) => openMenu(event, [
    { kind: "head", label: w.desk.rest },
    ...list.map(({ win, talk }) => ({ label: talk.title, mark: <TalkAvatar talk={talk} size={22} />, hint: newsOf(talk) > 0 ? w.list.unread(newsOf(talk)) : "", testid: "dock-rest-item", run: () => show(win.id) })),
  ]);
  return (
    <button type="button" class="dock-rest" aria-haspopup="menu" aria-label={w.desk.restLabel(list.length, unread)} title={w.desk.rest} data-testid="dock-rest" data-count={list.length} data-unread={unread} onClick={open}>
      <Icon name="up" size={15} />+{list.length}
      {unread > 0 && <span class="count" aria-hidden="true">{unread > 999 ? "999+" : unread}</span>}
    </button>
  );
}

export function Dock() {
  const all = entries();
  if (all.length === 0) return null;
  // Its own frame and what stands beside it.
  const fit = fitting(all, area.value.w - 34);
  const rest = all.filter((one) => !fit.has(one));
  return (
    <nav class="dock" aria-label={w.desk.dock} data-testid="dock">
      {all.map((one) => fit.has(one) && <Tile key={one.win.id} {...one} />)}
      {rest.length > 0 && <Rest list={rest} />}
    </nav>
  );
}
