"""The addresses of the Django project; `asgi.py` has those of the uploads."""

from django.contrib.auth.views import LoginView
from django.urls import path

urlpatterns = [path("sign-in", LoginView.as_view(template_name="sign-in.html"))]
