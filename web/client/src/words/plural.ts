// How English counts.
export const many = (n: number, one: string, other: string): string => `${n.toLocaleString("en")} ${n === 1 ? one : other}`;
