// Kitchen clock for the old tablet: tap to start, rings three times, then is quiet.
const display = document.querySelector("#display");
let endsAt = 0;

function start(minutes) {
  endsAt = Date.now() + minutes * 60_000;
  requestAnimationFrame(tick);
}

function tick() {
  const left = Math.max(0, endsAt - Date.now());
  const seconds = Math.ceil(left / 1000);
  display.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  if (left > 0) requestAnimationFrame(tick);
  else for (let i = 0; i < 3; i++) setTimeout(() => new Audio("egg.ogg").play(), i * 1500);
}

display.addEventListener("click", () => start(Number(prompt("Minutes?", "7"))));
