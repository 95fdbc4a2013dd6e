// The settings: sections beside what stands in one; the tables of choices and of their places say what. It must not know what a choice does.
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { prefs } from "../../app/prefs";
import { user } from "../../app/store";
import { m } from "../../words/later";
import { Yours } from "../account/Yours";
import { Dialog, openDialog } from "../Dialog";
import { KeyTables } from "../dialogs/Help";
import { Icon } from "../icons";
import { AccountList } from "./Accounts";
import { Occasions, Permission } from "./Alerts";
import { ChoiceField } from "./fields";
import { SECTIONS, type Item, type SectionId } from "./layout";

function Face({ item }: { item: Item }) {
  if ("choice" in item) return <ChoiceField name={item.choice} disabled={item.unless !== undefined && !prefs[item.unless].value} />;
  switch (item.part) {
    case "permission":
      return <Permission />;
    case "occasions":
      return <Occasions />;
    case "keys":
      return <KeyTables />;
    case "accounts":
      return <AccountList />;
    case "you":
      return <Yours />;
  }
}

function Settings({ start, close }: { start: SectionId; close(): void }) {
  const at = useSignal<SectionId>(start);
  const panel = useRef<HTMLElement>(null);
  const nav = useRef<HTMLElement>(null);
  const guest = user.value?.guest !== false;
  const seen = SECTIONS.filter((one) => !guest || !one.users);
  const section = seen.find((one) => one.id === at.value) ?? seen[0];
  useLayoutEffect(() => {
    panel.current?.scrollTo(0, 0);
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ inline: "nearest", block: "nearest" });
  }, [section?.id]);
  if (!section) return null;
  const names = m.settings.sections;
  return (
    <Dialog title={m.settings.title} testid="settings-dialog" place onClose={close}>
      <nav class="place-nav" aria-label={m.settings.title} ref={nav}>
        {seen.map((one) => (
          <button key={one.id} type="button" aria-current={one === section ? "page" : undefined} data-first={one === section || undefined} data-testid={`settings-${one.id}`} onClick={() => (at.value = one.id)}>
            <Icon name={one.icon} size={18} /><span>{names[one.id]}</span>
          </button>
        ))}
      </nav>
      <section class="place-panel" ref={panel} aria-label={names[section.id]} tabIndex={0} data-testid={section.id === "you" ? "yours-dialog" : `settings-panel-${section.id}`}>
        <h3 class="place-title">{names[section.id]}</h3>
        {guest && <p class="lead small">{m.settings.guest}</p>}
        {section.items.map((item, n) => <Face key={n} item={item} />)}
      </section>
    </Dialog>
  );
}

export function settingsDialog(start: SectionId = "look"): void {
  openDialog((close) => <Settings start={start} close={close} />);
}
