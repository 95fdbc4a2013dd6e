// The words of what is loaded later, in the language of the page; only what is loaded later may import it.
import { more } from "./more";

export const m = more;
