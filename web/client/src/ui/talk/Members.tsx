// Who is in a room, with roles; it must not show messages.
import { useMemo } from "preact/hooks";
import type { Talk } from "../../state/model";
import { toneOf } from "../../state/names";
import { compareKeys, sortKey } from "../../state/order";
import type { Member } from "../../wire/types";
import { w } from "../../words";
import { openMenu } from "../Menu";
import { memberItems } from "../people/items";

const RANK = ["founder", "operator", "half_operator", "voice"];
const SIGN: Record<string, string> = { founder: "★", operator: "@", half_operator: "%", voice: "+" };

/** The role of a member; nothing for a plain one. */
const flagOf = (member: Member, ranks: readonly string[]): string | undefined => ranks.find((flag) => member.flags?.includes(flag));

/** Where everybody has a voice, that says nothing. */
function ranksOf(members: readonly Member[]): readonly string[] {
  return members.every((member) => flagOf(member, RANK)) ? RANK.slice(0, -1) : RANK;
}

function sorted(members: readonly Member[], ranks: readonly string[]): Member[] {
  const rank = (member: Member): number => ranks.findIndex((flag) => member.flags?.includes(flag)) + 1 || RANK.length + 1;
  const keyed = members.map((member) => ({ member, rank: rank(member), key: sortKey(member.alias || member.name) }));
  return keyed.sort((a, b) => a.rank - b.rank || compareKeys(a.key, b.key)).map((one) => one.member);
}

function menu(event: MouseEvent, talk: Talk, member: Member): void {
  openMenu(event, [
    { kind: "head", label: member.alias || member.name },
    ...memberItems(talk, member),
  ], `member ${member.name}`);
}

/** More are counted, not drawn: a room may have thousands. */
const DRAWN = 400;

export function Members({ talk }: { talk: Talk }) {
  const ranks = useMemo(() => ranksOf(talk.members ?? []), [talk.members]);
  const members = useMemo(() => sorted(talk.members ?? [], ranks), [talk.members]);
  return (
    <aside class="members" aria-label={w.talk.showPeople} data-testid="members">
      <small class="members-count">{w.talk.people(members.length)}</small>
      <ul>
        {members.slice(0, DRAWN).map((member) => {
          const flag = flagOf(member, ranks);
          return (
            <li key={member.name} class={member.flags?.includes("away") ? "away" : ""}>
              <button type="button" data-testid="member" data-flags={(member.flags ?? []).join(" ")} data-name={member.name} title={flag ? `${member.name}: ${w.talk.roles[flag] ?? flag}` : member.name} onClick={(event) => menu(event, talk, member)} onContextMenu={(event) => menu(event, talk, member)}>
                {flag && <span class="sign" role="img" aria-label={w.talk.roles[flag] ?? flag}>{SIGN[flag]}</span>}
                <span class={`nick nick-${toneOf(member.name)}`} dir="auto">{member.alias || member.name}</span>
              </button>
            </li>
          );
        })}
      </ul>
      {members.length > DRAWN && <small>+ {members.length - DRAWN}</small>}
    </aside>
  );
}
