// The picture of a conversation: of the person, or of a room; it must not act.
import { buddies } from "../../app/store";
import type { Talk } from "../../state/model";
import { presenceOf, type Presence } from "../../state/roster";
import { Avatar } from "../Avatar";

export function presenceOfTalk(talk: Talk): Presence | null {
  if (talk.kind === "room") return null;
  const buddy = talk.buddy ? buddies.value.get(talk.buddy) : undefined;
  return buddy ? presenceOf(buddy.status, buddy.idle_since) : null;
}

export function TalkAvatar({ talk, size, still }: { talk: Talk; size: number; still?: boolean }) {
  const buddy = talk.buddy ? buddies.value.get(talk.buddy) : undefined;
  return <Avatar name={talk.title} of={talk.name} icon={buddy?.icon} room={talk.kind === "room"} presence={still ? null : presenceOfTalk(talk)} size={size} />;
}
