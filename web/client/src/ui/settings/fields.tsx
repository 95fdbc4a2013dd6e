// A choice as a field, by what kind it is; it must not know which choices there are.
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { choose, prefs } from "../../app/prefs";
import { CHOICES, readWords, type ChoiceKey, type OneKey, type SwitchKey } from "../../state/choices";
import { m } from "../../words/later";
import { CheckField, TextField } from "../fields";
import { radioKeys, radioStop } from "../radios";

const s = m.settings;

/** A small picture of a look, drawn with its own colours. */
function Swatch({ value }: { value: string }) {
  const one = (theme: "light" | "dark", more: boolean) => (
    <i class="swatch-half" data-theme={theme} data-contrast={more ? "more" : undefined}><i class="swatch-line" /><i class="swatch-bubble" /></i>
  );
  return (
    <span class="swatch" aria-hidden="true">
      {value === "light" || value === "dark" ? one(value, false) : <>{one("light", value === "contrast")}{one("dark", value === "contrast")}</>}
    </span>
  );
}

function OneOf({ name, disabled }: { name: OneKey; disabled: boolean }) {
  const id = useId();
  const { values } = CHOICES[name] as { values: readonly string[] };
  const chosen = prefs[name].value as string;
  const pictures = name === "theme";
  return (
    <div class="choice" role="group" aria-labelledby={id}>
      <p class="choice-label" id={id}>{s.labels[name]}</p>
      <div class={pictures ? "segments pictures" : "segments"} role="radiogroup" aria-labelledby={id} onKeyDown={radioKeys} data-testid={`pref-${name}`} data-value={chosen}>
        {values.map((value, at) => (
          <button key={value} type="button" role="radio" class="segment" aria-checked={value === chosen} disabled={disabled} tabIndex={radioStop(values.indexOf(chosen), at)} data-testid={`pref-${name}-${value}`}
            onClick={() => choose(name, value as never)}>
            {pictures && <Swatch value={value} />}<span>{s.values[name]?.[value] ?? value}</span>
          </button>
        ))}
      </div>
      {s.hints[name] && <p class="field-hint">{s.hints[name]}</p>}
    </div>
  );
}

/** A list of words: taken when the box is left. */
function WordList({ name }: { name: "highlight" }) {
  const stored = prefs[name].value;
  const text = useSignal<string | null>(null);
  const leave = () => {
    if (text.value === null) return;
    choose(name, readWords(text.value));
    text.value = null;
  };
  return <TextField label={s.labels[name] ?? ""} name={`pref-${name}`} multiline value={text.value ?? stored.join("\n")} hint={s.hints[name]} onInput={(value) => (text.value = value)} onBlur={leave} />;
}

export function ChoiceField({ name, disabled = false }: { name: ChoiceKey; disabled?: boolean }) {
  switch (CHOICES[name].kind) {
    case "one":
      return <OneOf name={name as OneKey} disabled={disabled} />;
    case "switch":
      return <CheckField label={s.labels[name] ?? ""} name={`pref-${name}`} value={prefs[name as SwitchKey].value} disabled={disabled} onInput={(on) => choose(name as SwitchKey, on)} />;
    case "words":
      return <WordList name={name as "highlight"} />;
  }
}
