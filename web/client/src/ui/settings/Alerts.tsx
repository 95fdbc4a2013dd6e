// What one is told of, and how: the browser's permission, and a table of occasions; it must not sound but to let one hear it.
import { permission, turnOn } from "../../app/notify";
import { choose, prefs } from "../../app/prefs";
import { play } from "../../app/sound";
import { OCCASIONS, type SwitchKey } from "../../state/choices";
import { w } from "../../words";
import { m } from "../../words/later";
import { CheckField } from "../fields";
import { Icon } from "../icons";

const s = m.settings;

export function Permission() {
  const may = permission.value;
  const on = prefs.notify.value && may === "granted";
  const turn = (to: boolean) => {
    if (!to) return choose("notify", false);
    void turnOn().then(() => {
      // It shows what holds, whatever was pressed.
      const box = document.querySelector<HTMLInputElement>("[data-testid=field-pref-notify]");
      if (box) box.checked = prefs.notify.value && permission.value === "granted";
    });
  };
  return (
    <div class="choice">
      <CheckField label={s.labels["notify"] ?? ""} name="pref-notify" value={on} disabled={may === "denied" || may === "none"} onInput={turn} />
      {may === "denied" || may === "none" ? <p class="field-hint" data-testid="notify-why">{may === "denied" ? s.denied : s.none}</p> : may === "default" ? <p class="field-hint">{s.askBrowser}</p> : null}
    </div>
  );
}

function Cell({ name, label, disabled }: { name: SwitchKey; label: string; disabled: boolean }) {
  return <label class="check bare"><input type="checkbox" aria-label={label} checked={prefs[name].value} disabled={disabled} data-testid={`field-pref-${name}`} onInput={(event) => choose(name, event.currentTarget.checked)} /></label>;
}

export function Occasions() {
  const told = prefs.notify.value && permission.value === "granted";
  return (
    <div class="table-frame">
      <table class="occasions">
        <thead><tr><th scope="col">{s.when}</th><th scope="col">{s.note}</th><th scope="col">{s.sounds}</th><th scope="col"><span class="sr">{w.more}</span></th></tr></thead>
        <tbody>
          {OCCASIONS.map((one) => {
            const what = s.occasions[one] ?? one;
            return (
              <tr key={one}>
                <th scope="row">{what}</th>
                <td><Cell name={`notify_${one}`} label={s.noteFor(what)} disabled={!told} /></td>
                <td><Cell name={`sound_${one}`} label={s.soundFor(what)} disabled={!prefs.sound.value} /></td>
                <td><button type="button" class="tool small" aria-label={s.hear(what)} title={s.hear(what)} data-testid={`hear-${one}`} onClick={() => play(one)}><Icon name="sound" size={16} /></button></td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
