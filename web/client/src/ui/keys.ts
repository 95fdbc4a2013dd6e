// What a key press means before anybody acts on it; it must not act itself.

/** Whether the key belongs to an input method, which turns several into one character: Enter takes its choice then, and sends nothing. WebKit tells
 *  of that Enter when the composition is over; what is left of it is the key code. */
export const composing = (event: KeyboardEvent): boolean => event.isComposing || event.keyCode === 229;
