// What shows before one is in, as one part (see ../faces.ts); it must not hold anything of its own.
export { Arriving } from "./Arriving";
export { Front } from "./Front";
