"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const frames = () => [...document.querySelectorAll("#frames img")];
  let timer = 0;

  const show = (index) => {
    const all = frames();
    const at = Math.max(0, Math.min(index, all.length - 1));
    all.forEach((frame, each) => { frame.hidden = each !== at; });
    const slider = byId("slider");
    slider.value = String(at);
    slider.setAttribute("aria-valuetext", all[at].dataset.label);
    byId("when").textContent = all[at].dataset.label;
  };

  const pause = () => {
    clearInterval(timer);
    timer = 0;
    if (byId("play")) byId("play").textContent = "Play";
  };

  const play = () => {
    if (Number(byId("slider").value) === frames().length - 1) show(0);
    byId("play").textContent = "Pause";
    timer = setInterval(() => {
      show(Number(byId("slider").value) + 1);
      if (Number(byId("slider").value) === frames().length - 1) pause();
    }, 600);
  };

  const begin = () => {
    const slider = byId("slider");
    if (!slider) return;
    slider.closest(".controls").hidden = false;
    slider.addEventListener("input", () => { pause(); show(Number(slider.value)); });
    byId("play").addEventListener("click", () => (timer ? pause() : play()));
    show(Number(slider.value));
  };
  begin();

  // what is folded is printed too, but for long lists of numbers
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open], .chart details, #recipe, #lines)")];
    folded.forEach((each) => { each.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((each) => { each.open = false; }));

  const version = document.body.dataset.version;
  if (!version) return;

  const replace = (next) => {
    const slider = byId("slider");
    const isAtEnd = !slider || slider.value === slider.max;
    const position = slider ? Number(slider.value) : 0;
    const isPlaying = timer !== 0;
    const open = [...document.querySelectorAll("details[open]")].map((each) => each.id);
    const focus = document.activeElement && document.activeElement.id;
    pause();
    document.querySelector("main").replaceWith(document.adoptNode(next.querySelector("main")));
    document.title = next.title;
    document.body.dataset.version = next.body.dataset.version;
    open.forEach((id) => { if (byId(id)) byId(id).open = true; });
    begin();
    if (byId("slider") && !isAtEnd) show(position);
    if (byId("slider") && isPlaying) play();
    if (focus && byId(focus)) byId(focus).focus({ preventScroll: true });
  };

  const text = async (address) => {
    const answer = await fetch(address, { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.text();
  };

  const look = async () => {
    const live = byId("live");
    try {
      const state = JSON.parse(await text("state.json"));
      const isHeld = byId("slider") && byId("slider").matches(":active");
      if (state.version !== document.body.dataset.version && !isHeld) {
        replace(new DOMParser().parseFromString(await text("./"), "text/html"));
      }
      live.textContent = state.state === "running"
        ? "Live: the page refreshes itself while the run goes on."
        : `The run is ${state.state}; the page refreshes itself if it goes on.`;
    } catch {
      live.textContent = "No longer served: this is the last that was seen of the run.";
    }
    setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
})();
