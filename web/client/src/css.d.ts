declare module "*.css";
/** Made by `emoji.mjs`. */
declare module "emoji-table" {
  const text: string;
  export default text;
}
