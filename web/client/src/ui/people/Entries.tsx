// A profile as its network tells it: parts of labels and values; it must not turn text into markup.
import { partsOf } from "../../state/profile";
import type { Profile } from "../../wire/types";
import { m } from "../../words/later";
import { Spans } from "../talk/Spans";

export function Entries({ profile }: { profile: Profile }) {
  return (
    <>
      {partsOf(profile.entries).map((part, at) => (
        <section key={at} class="facts-part">
          {part.heading && <h3 dir="auto">{part.heading}</h3>}
          <dl class="facts">
            {part.entries.map((entry, n) => (
              <div key={n} data-testid="profile-entry" data-label={entry.label}>
                <dt dir="auto">{entry.label}</dt>
                <dd dir="auto"><Spans spans={entry.value} /></dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      {profile.cut && <p class="lead small">{m.people.cut}</p>}
    </>
  );
}
