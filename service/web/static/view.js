// The quote comes into view, and a page whose picture cannot be had is set from its text.

const quote = document.querySelector("#quote");
const sheet = document.querySelector(".sheet");
const picture = sheet?.querySelector("img");

function reveal() {
  if (quote && (location.hash === "" || location.hash === "#quote"))
    quote.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
}

if (picture) {
  const lost = () => {
    sheet.classList.add("lost");
    document.querySelector("details.text").open = true;
  };
  if (picture.complete && picture.naturalWidth === 0) lost();
  picture.addEventListener("error", lost);
}
reveal();
