// Who is in a room, with roles; it must not show messages.
import { useMemo } from "preact/hooks";
import { command } from "../../app/store";
import { openBuddy } from "../../app/windows";
import type { Talk } from "../../state/model";
import { fold } from "../../state/roster";
import type { Member } from "../../wire/types";
import { errorText, w } from "../../words";
import { toast } from "../Dialog";
import { openMenu } from "../Menu";
import { nickHue } from "./Rows";

const RANK = ["founder", "operator", "half_operator", "voice"];
const SIGN: Record<string, string> = { founder: "★", operator: "@", half_operator: "%", voice: "+" };

const rank = (member: Member): number => {
  const found = RANK.findIndex((flag) => member.flags?.includes(flag));
  return found < 0 ? RANK.length : found;
};

function menu(event: MouseEvent, talk: Talk, member: Member): void {
  openMenu(event, [
    { kind: "head", label: member.alias || member.name },
    { label: w.talk.message, icon: "chat", run: () => void openBuddy({ account: talk.account, name: member.name }).catch((error: unknown) => toast(errorText(error))) },
    { label: w.talk.info, run: () => { command("buddy.info", { account: talk.account, name: member.name }).catch((error: unknown) => toast(errorText(error))); } },
  ], `member ${member.name}`);
}

/** More are counted, not drawn: a room may have thousands. */
const DRAWN = 400;

export function Members({ talk }: { talk: Talk }) {
  const members = useMemo(
    () => [...(talk.members ?? [])].sort((a, b) => rank(a) - rank(b) || (fold(a.alias || a.name) < fold(b.alias || b.name) ? -1 : 1)),
    [talk.members],
  );
  return (
    <aside class="members" aria-label={w.talk.showPeople} data-testid="members">
      <small class="members-count">{w.talk.people(members.length)}</small>
      <ul>
        {members.slice(0, DRAWN).map((member) => {
          const flag = RANK.find((one) => member.flags?.includes(one));
          return (
            <li key={member.name} class={member.flags?.includes("away") ? "away" : ""}>
              <button type="button" data-testid="member" data-flags={(member.flags ?? []).join(" ")} data-name={member.name} title={flag ? `${member.name}: ${w.talk.roles[flag] ?? flag}` : member.name} onClick={(event) => menu(event, talk, member)} onContextMenu={(event) => menu(event, talk, member)}>
                <span class="sign" aria-label={flag ? (w.talk.roles[flag] ?? flag) : undefined}>{flag ? SIGN[flag] : ""}</span>
                <span class={`nick nick-${nickHue(member.name)}`}>{member.alias || member.name}</span>
              </button>
            </li>
          );
        })}
      </ul>
      {members.length > DRAWN && <small>+ {members.length - DRAWN}</small>}
    </aside>
  );
}
