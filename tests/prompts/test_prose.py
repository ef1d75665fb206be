"""Answers in plain sentences."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from gadet.prompts.phrases import phrases, word_key
from gadet.prompts.prose import read_prose
from gadet.prompts.reader import read_answer

NORMAL = [
    "No, the image looks normal.",
    "No, the bottle looks normal",
    "No. The image is normal.",
    "**No**, the image is normal.",
    "The image is completely normal.",
    "The inspected item appears to be normal!",
    "The image does not contain any anomalies or defects.",
    "No, the bottle doesn't have any visible defects.",
    "No, the bottle does not have any defects or anomalies.",
    "There are no visible anomalies in the image.",
    "I see no defects.",
    "No anomalies detected.",
    "No defects are visible in the image. The product looks normal.",
    "Verdict: normal",
    "Normal.",
    "Nein, das Bild ist normal.",
    "Nein, das Bild enthält keine Anomalien oder Fehler.",
    "Keine Auffälligkeiten erkennbar.",
    "Non, l'image est normale.",
    "L’image ne présente aucune anomalie.",
    "No, la imagen es normal.",
    "La imagen no muestra anomalías ni defectos.",
    "No se observan anomalías.",
    "Não, a imagem parece normal.",
    "A imagem não contém defeitos.",
    "No, l'immagine è normale.",
    "Non ci sono anomalie o difetti visibili.",
    "该图像正常。",
    "没有发现异常。",
    "未发现异常。",
    "图像中没有任何异常或缺陷。",
    "いいえ、異常は見られません。",
    "画像は正常です。",
]

ANOMALOUS = [
    "Yes, there is a crack in the rim.",
    "Yes.",
    "yes",
    "Yes, the cap is not closed.",
    "Yes! A cord sticks out of the bottle.",
    "There is a visible crack on the left side.",
    "The image contains anomalies: the cap is missing.",
    "The bottle is broken.",
    "I can see a small scratch near the label.",
    "Verdict: anomalous",
    "The item appears to be visibly damaged.",
    "Ja, es gibt einen Riss.",
    "Das Teil ist defekt.",
    "Oui, il y a une fissure.",
    "L'objet est défectueux.",
    "Sí, hay una grieta.",
    "La pieza está dañada.",
    "Sim, há uma rachadura.",
    "Sì, c'è una crepa.",
    "是的，瓶口有裂纹。",
    "图像存在明显的缺陷。",
    "はい、亀裂があります。",
    "異常が見られます。",
    "I can't provide a medical diagnosis. There is an abnormality in the left lung.",
]

REFUSED = [
    "I'm sorry, I can't help with that.",
    "I’m sorry, but I cannot assist with this request.",
    "I cannot help with analyzing medical images.",
    "I can't provide a diagnosis.",
    "I am not able to provide a medical diagnosis from this image.",
    "I'm unable to interpret medical images.",
    "As an AI, I am not able to judge X-rays.",
    "This request violates our usage policies.",
    "I must decline.",
    "I'm not qualified to give medical advice.",
    "Es tut mir leid, aber dabei kann ich nicht helfen.",
    "Ich kann leider keine Diagnose stellen.",
    "Je suis désolé, mais je ne peux pas vous aider.",
    "Je ne peux pas fournir de diagnostic.",
    "Lo siento, pero no puedo ayudarte con eso.",
    "No puedo proporcionar un diagnóstico.",
    "Desculpe, mas não posso ajudar com isso.",
    "Não posso fornecer um diagnóstico.",
    "Mi dispiace, ma non posso aiutarti.",
    "Non posso fornire una diagnosi.",
    "抱歉，我无法提供帮助。",
    "对不起，我不能协助。",
    "我无法提供医学诊断。",
    "申し訳ありませんが、お手伝いできません。",
    "診断を提供することはできません。",
    '{"error": "I\'m sorry, I can\'t help with that."}',
    '{"refusal": "I cannot provide a diagnosis."}',
]

UNCERTAIN = [
    "I cannot determine whether the item is defective.",
    "I'm not sure.",
    "It is impossible to tell from this picture.",
    "The result is inconclusive.",
    "I cannot say there is no defect",
]

# Each would be a missed defect if it came out as normal.
NEVER_NORMAL = [
    "No.",
    "No",
    "Nein.",
    "いいえ",
    "不是",
    "Yes, the image looks normal.",
    "Yes, I can help with that.",
    "Is the image normal?",
    "I cannot say that the image is normal.",
    "It is not the case that the image is normal.",
    "There is no reason to believe that the image is normal.",
    "The image is not normal.",
    "The image is normal except for a crack.",
    "The image is normal, but the cap is missing.",
    "The image is normal. However, the cap is missing.",
    "The image is normal. A cord sticks out.",
    "The first image is normal.",
    "The first image is normal. The second image has debris inside.",
    "The reference is normal.",
    "No, the reference looks normal.",
    "No, the rest looks normal.",
    "No, the left half looks normal.",
    "Apart from the crack, the image is normal.",
    "Mostly normal.",
    "Almost no defects.",
    "No defects other than a crack.",
    "No anomalies were found in the left half.",
    "Normally, the image should depict a bottle.",
    "A normal image shows a round rim.",
    "If there are no defects, the image is normal.",
    "The image would be normal without the crack.",
    "The image looks normal to me, I think, maybe.",
    "No, there is a crack.",
    "No, it is broken.",
    "normal or anomalous",
    "Verdict: normal | anomalous | uncertain",
    "Das Bild ist nicht normal.",
    "Das Bild ist normal, aber der Deckel fehlt.",
    "Keine Frage, ein Fehler.",
    "L'image n'est pas normale.",
    "La imagen no es normal.",
    "No es normal.",
    "A imagem não é normal.",
    "L'immagine non è normale.",
    "该图像不正常。",
    "图像并非没有异常。",
    "該图像正常吗？",
    "正常ではありません。",
    "画像は正常ではありません。",
    "異常がないとは言えません。",
    "No image was provided.",
    "I don't see any image attached. The image is normal.",
    "The image is normal" + "." * 700 + "not",
    "The image is normal.\n" * 41,
    "The image is normal. " + "x" * 9000,
]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        *((text, "normal") for text in NORMAL),
        *((text, "anomalous") for text in ANOMALOUS),
        *((text, "refused") for text in REFUSED),
        *((text, "uncertain") for text in UNCERTAIN),
    ],
)
def test_plain_sentences(text, verdict):
    reading = read_answer(text)
    assert reading.verdict == verdict, reading
    if reading.answer:
        assert reading.answer.score == {"normal": 0.25, "anomalous": 0.75}.get(verdict, 0.5)
        assert reading.answer.explanation == text
        assert any("plain text" in note for note in reading.notes)
    if verdict == "refused":
        assert "refusal recognised by" in reading.notes[0]


@pytest.mark.parametrize("text", NEVER_NORMAL)
def test_an_all_clear_is_never_read_into_a_text(text):
    assert read_answer(text).verdict != "normal"


@pytest.mark.parametrize("clear", NORMAL)
@pytest.mark.parametrize(
    "beside",
    [
        "A cord sticks out of the neck.",
        "But look at the rim.",
        "There is a crack.",
        "Yes.",
        "I cannot help with that.",
        "What about the cap?",
    ],
)
def test_a_clear_sentence_beside_any_other_is_not_an_all_clear(clear, beside):
    assert read_answer(f"{clear} {beside}").verdict != "normal"
    assert read_answer(f"{beside} {clear}").verdict != "normal"


@pytest.mark.parametrize("text", ["Yes. The image is normal.", "No, there is a crack."])
def test_both_yes_and_no_is_a_problem_of_its_own(text):
    assert "both yes and no" in read_answer(text).problem


def test_a_model_that_saw_no_picture_is_told_so():
    reading = read_answer("Please provide the image so that I can look at it.")
    assert "no picture was seen" in reading.problem


def test_nothing_but_punctuation():
    assert read_prose("... !").verdict is None


def test_words_stand_for_one_verdict_only():
    words = phrases().words
    assert set(words.values()) == {"anomalous", "normal", "uncertain"}
    assert all(word == word_key(word) for word in (*words, *phrases().severity))
    text = (resources.files("gadet.prompts") / "phrases.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    listed = [word_key(w) for name, ws in data["words"].items() if name != "nothing" for w in ws]
    assert len(listed) == len(set(listed))
