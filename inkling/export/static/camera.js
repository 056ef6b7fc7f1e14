// The camera: its picture in the upload's place, and a button that takes it.
export function addCamera(button, place) {
  const label = button.textContent;
  let video = null;
  const stop = () => {
    video?.srcObject.getTracks().forEach((track) => track.stop());
    video?.remove();
    video = null;
    button.textContent = label;
  };
  button.addEventListener("click", async () => {
    if (video) return take();
    const media = await navigator.mediaDevices?.getUserMedia({ video: { facingMode: "environment", width: 1920 } }).catch(() => null);
    if (!media) return;
    video = Object.assign(document.createElement("video"), { srcObject: media, autoplay: true, playsInline: true, muted: true });
    place.prepend(video);
    button.textContent = "Take the picture";
  });
  async function take() {
    if (!video.videoWidth) return; // it has not started
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    stop();
    const shot = await canvas.convertToBlob();
    document.dispatchEvent(new CustomEvent("read-start", { detail: ["picture", new File([shot], "camera")] }));
  }
  document.addEventListener("visibilitychange", () => document.hidden && stop());
}
