// Checks size and type of the file, and the age of the form, before it is sent: OSS would refuse it with XML. The form
// works without this script, which is written in the JavaScript of 2009 for old browsers.
(function () {
  "use strict";
  var form = document.getElementById("form");
  var input = document.getElementById("file");
  var said = document.getElementById("said");
  var button = form.getElementsByTagName("button")[0];
  var loaded = new Date().getTime();

  function fits(type, file) {
    var name = file.name.toLowerCase();
    var kind = file.type.toLowerCase().split(";")[0];
    if (type.charAt(0) === ".") return name.slice(-type.length) === type;
    if (type.slice(-2) === "/*") return kind.slice(0, type.length - 1) === type.slice(0, -1);
    return kind === type;
  }

  function isTaken(file) {
    var types = form.getAttribute("data-types");
    var listed = types ? types.split(",") : [];
    for (var i = 0; i < listed.length; i++) if (fits(listed[i], file)) return true;
    return !types;
  }

  function refusal() {
    var file = input.files && input.files[0];
    if (new Date().getTime() - loaded > form.getAttribute("data-life") * 1000) return "late";
    if (file && file.size > form.getAttribute("data-max")) return "large";
    return file && !isTaken(file) ? "type" : "";
  }

  function say(what) {
    said.hidden = !what;
    said.className = what === "sending" ? "hint" : "trouble";
    said.textContent = what ? form.getAttribute("data-say-" + what) : "";
  }

  input.onchange = function () {
    say(refusal());
  };
  form.onsubmit = function () {
    var why = refusal();
    say(why || "sending");
    button.disabled = !why; // a double click sends the form once
    setTimeout(function () {
      button.disabled = false; // no event says that a person has stopped the sending
    }, 3000);
    return !why;
  };
  // The browser's back button may show the page in its old state.
  window.onpageshow = function () {
    button.disabled = false;
    say(refusal());
  };
})();
