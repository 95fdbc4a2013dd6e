// What can be dragged in the list, and where to: buddies onto a group, a group to the place of another; it must not do what was dropped.
import type { Row } from "../../state/roster";

const BUDDIES = "application/x-bellflower-buddies";
const GROUP = "application/x-bellflower-group";

interface Drops {
  buddies(ids: string[], group: string): void;
  group(name: string, onto: string): void;
}

let drops: Drops | null = null;
/** Who does what was dropped. */
export function onDropped(handler: Drops): void {
  drops = handler;
}

const personOf = (row: Row) => (row.kind === "person" ? row.person : row.kind === "talk" ? row.person : undefined);

/** The group that a row is of; null for those of none. */
const groupOf = (row: Row): string | null => (row.kind === "person" ? row.person.group : row.kind === "section" ? row.group : null);

export const isDraggable = (row: Row): boolean => personOf(row) !== undefined || (row.kind === "section" && row.group !== null);

function start(event: DragEvent, row: Row): void {
  const person = personOf(row);
  if (person) event.dataTransfer?.setData(BUDDIES, JSON.stringify(person.buddies.map((one) => one.id)));
  else if (row.kind === "section" && row.group !== null) event.dataTransfer?.setData(GROUP, row.group);
}

const takes = (event: DragEvent, row: Row): boolean => groupOf(row) !== null && event.dataTransfer?.types.some((type) => type === BUDDIES || type === GROUP) === true;

function drop(event: DragEvent, row: Row): void {
  const group = groupOf(row);
  const [buddies, dragged] = [event.dataTransfer?.getData(BUDDIES), event.dataTransfer?.types.includes(GROUP) ? event.dataTransfer.getData(GROUP) : null];
  if (group === null || (!buddies && dragged === null)) return;
  event.preventDefault();
  if (buddies) drops?.buddies(JSON.parse(buddies) as string[], group);
  else if (dragged !== null) drops?.group(dragged, group);
}

/** The handlers of a row. */
export function dragging(row: Row) {
  return {
    onDragStart: (event: DragEvent) => start(event, row),
    onDragOver: (event: DragEvent & { currentTarget: HTMLElement }) => {
      if (!takes(event, row)) return;
      event.preventDefault();
      event.currentTarget.classList.add("drop");
    },
    onDragLeave: (event: DragEvent & { currentTarget: HTMLElement }) => event.currentTarget.classList.remove("drop"),
    onDrop: (event: DragEvent & { currentTarget: HTMLElement }) => {
      event.currentTarget.classList.remove("drop");
      drop(event, row);
    },
  };
}
