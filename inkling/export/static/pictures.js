// Decode a picture file, as a person sees it; refuse what the browser cannot decode in one sentence.
import settings from "./settings.js";

const UNKNOWN = "the file is no picture that this browser can open: save it as PNG or JPEG.";
const { DAMAGED, HEIC_BRANDS, MAX_PIXELS, MAX_THUMBNAIL_PX, REFUSALS } = settings;

export async function decode({ file }) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (!bitmap) return { refusal: await describeRefusal(file) };
  const { width, height } = bitmap;
  if (width * height > MAX_PIXELS) return { refusal: REFUSALS.large };
  const draw = (scale, type) => {
    const [wide, high] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
    const pen = new OffscreenCanvas(wide, high).getContext("2d", { willReadFrequently: true });
    if (type) pen.fillStyle = "#fff";
    if (type) pen.fillRect(0, 0, wide, high);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(bitmap, 0, 0, wide, high);
    return type ? pen.canvas.convertToBlob({ type }) : pen.getImageData(0, 0, wide, high);
  };
  const { data } = draw(1);
  const thumbnail = await draw(Math.min(1, MAX_THUMBNAIL_PX / Math.max(width, height)), "image/jpeg");
  bitmap.close();
  return { pixels: { data, width, height }, picture: { data: await toUrl(thumbnail), size: [width, height] } };
}
async function toUrl(blob) {
  const reader = new FileReader();
  const done = new Promise((resolve) => (reader.onload = resolve));
  reader.readAsDataURL(blob);
  await done;
  return reader.result;
}
async function describeRefusal(file) {
  const start = String.fromCharCode(...new Uint8Array(await file.slice(0, 256).arrayBuffer()));
  if (start.slice(4, 8) === "ftyp" && HEIC_BRANDS.some((brand) => start.includes(brand))) return REFUSALS.HEIC;
  if (start.startsWith("%PDF-")) return REFUSALS.PDF;
  if (/^\s*(<\?xml[^]*?|<!--[^]*?)?<svg\b/.test(start)) return REFUSALS.SVG;
  return /^(\x89PNG|\xff\xd8\xff|RIFF....WEBP|GIF8|BM)/.test(start) ? DAMAGED : UNKNOWN;
}
